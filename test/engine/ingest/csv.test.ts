import { gzipSync } from "node:zlib";
import t from "tap";
import { columns, failure, ingest, sourceFile } from "./versions.ts";

t.test("types of a CSV file are found over all of it", async (t) => {
  const rows = Array.from({ length: 30_000 }, (_, i) =>
    [
      i,
      i % 2 === 0,
      `${i / 4}`,
      `2024-01-${String((i % 28) + 1).padStart(2, "0")}`,
      i === 29_999 ? "n/a" : i,
      "x",
    ].join(","),
  );
  const source = sourceFile(t, "a.csv", `n,b,d,day,late,text\n${rows.join("\n")}\n`);
  const version = await ingest(t, {
    source,
    columns: columns({
      n: "measure",
      b: "dimension",
      d: "measure",
      day: "dimension",
      late: "dimension",
      text: "public",
    }),
  });
  t.same(["n", "b", "d", "day", "late", "text"].map(version.type), [
    "BIGINT",
    "BOOLEAN",
    "DOUBLE",
    "DATE",
    "VARCHAR",
    "VARCHAR",
  ]);
  t.equal(version.manifest.rowCount, 30_000);
  t.equal(version.values("late")[29_999], "n/a", "a text in the last row makes the column text");
  t.equal(version.values("n")[12_345], "12345", "rows keep their order");
});

t.test("digits that identify are never lost", async (t) => {
  const source = sourceFile(
    t,
    "ids.csv",
    "id,code,long,phone,plain\n330302199001011234,007,12345678901234567890,013800138000,1\n330302198507150012,012,12345678901234567891,13800138001,2\n",
  );
  const version = await ingest(t, {
    source,
    subjectKey: "id",
    columns: columns({
      id: "subject_key",
      code: "dimension",
      long: "quasi_identifier",
      phone: "identifier",
      plain: "identifier",
    }),
  });
  t.same(version.keys(), ["330302199001011234", "330302198507150012"]);
  t.same(version.values("code"), ["007", "012"]);
  t.same(version.values("long"), ["12345678901234567890", "12345678901234567891"]);
  t.same(version.values("phone"), ["013800138000", "13800138001"]);
  t.equal(version.type("plain"), "VARCHAR", "an identifier stays text");
  t.equal(version.type("long"), "HUGEINT");
  t.equal(version.manifest.subjectCount, 2);
});

t.test("RFC 4180: quotes, line breaks, empty and missing values, a byte order mark, tabs and gzip", async (t) => {
  const text = '\ufeff"na""me",note\r\n"a,b","line 1\r\nline 2"\r\n"",\r\n,"say ""hi"""\r\n';
  const roles = columns({ 'na"me': "public", note: "public" });
  for (const [name, content] of [
    ["a.csv", text],
    ["a.csv.gz", gzipSync(text)],
    ["a.tsv", text.replaceAll(/,(?![b])/g, "\t")],
  ] as const) {
    const version = await ingest(t, { source: sourceFile(t, name, content), columns: roles });
    t.same(version.values('na"me'), ["a,b", "", null], name);
    t.same(version.values("note"), ["line 1\r\nline 2", null, 'say "hi"'], name);
  }
});

t.test("dates, times and special numbers", async (t) => {
  const source = sourceFile(
    t,
    "a.csv",
    'ts,tz,tm,f,h,q\n2024-01-02 03:04:05,2024-01-02T03:04:05+08:00,03:04:05.5,NaN,99999999999999999999,"1"\n,,,1e3,1,""\n',
  );
  const version = await ingest(t, {
    source,
    columns: columns({ ts: "dimension", tz: "dimension", tm: "dimension", f: "measure", h: "dimension", q: "measure" }),
  });
  t.same(
    ["ts", "tz", "tm", "f", "h", "q"].map((name) => [version.type(name), ...version.values(name)]),
    [
      ["TIMESTAMP", "2024-01-02T03:04:05", null],
      ["TIMESTAMP WITH TIME ZONE", "2024-01-01T19:04:05Z", null],
      ["TIME", "03:04:05.5", null],
      ["DOUBLE", "NaN", 1000],
      ["HUGEINT", "99999999999999999999", "1"],
      ["BIGINT", "1", null],
    ],
  );
});

t.test("bad CSV files are refused with their row and without their values", async (t) => {
  const secret = "SECRETVALUE";
  const cases: { text: string | Uint8Array; row?: number; column?: string }[] = [
    { text: `a,b\n1,2\n"x\ny",3\n${secret}\n4,5\n`, row: 3 },
    { text: `a,b\n1,2\n1,2,${secret}\n`, row: 2 },
    { text: `a,b\n1,2\n3,"${secret}\n4,5\n`, row: 2 },
    { text: `a,b\n1,2\n3,"${secret}"x\n`, row: 2 },
    {
      text: Buffer.concat([Buffer.from(`a,b\n1,${secret}\n`), Buffer.from([0xff, 0xfe]), Buffer.from(",2\n")]),
      row: 2,
    },
    { text: `a,b\n1,2\n3,${secret}\n`, row: 2, column: "b" },
    { text: `a,c\n1,${secret}\n`, column: "b" },
    { text: "" },
    { text: `a,a,b\n1,2,3\n` },
    { text: `"a,b\n1,2\n` },
  ];
  for (const { text, row, column } of cases) {
    const error = await failure(t, {
      source: sourceFile(t, "a.csv", text),
      columns: columns({ a: "public", b: "measure" }),
    });
    t.equal(error.code, "ingest_failed");
    t.equal(error.details?.["row"], row, error.message);
    t.equal(error.details?.["column"], column);
    t.notOk(
      `${error.message}${JSON.stringify(error.details)}${String(error.cause)}`.includes(secret),
      "no value is told",
    );
  }
});

t.test("a header alone is a table without rows", async (t) => {
  const version = await ingest(t, {
    source: sourceFile(t, "a.csv", "a,b\n"),
    columns: columns({ a: "public", b: "measure" }),
  });
  t.equal(version.manifest.rowCount, 0);
  t.same(version.values("a"), []);
});
