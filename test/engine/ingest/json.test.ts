import { gzipSync } from "node:zlib";
import t from "tap";
import { columns, failure, ingest, sourceFile } from "./versions.ts";

t.test("a JSON array and newline-delimited JSON give the same table", async (t) => {
  const records = [
    { id: 330302199001011234567n, name: "王", n: 1, f: 1.5, tags: ["a", "b"], at: "2024-01-02", other: 1 },
    { id: 12345678901234567890n, name: null, n: 2, f: 2, tags: [], at: "2024-01-03", other: 2 },
  ].map((record) => JSON.stringify(record, (_, value: unknown) => (typeof value === "bigint" ? `<${value}>` : value)));
  const lines = records.map((record) => record.replaceAll(/"<(\d+)>"/g, "$1"));
  for (const [name, text] of [
    ["a.json", `[${lines.join(",\n")}]`],
    ["a.ndjson", lines.join("\n")],
    ["a.jsonl", `${lines.join("\n")}\n`],
    ["a.json.gz", gzipSync(`[${lines.join(",")}]`)],
  ] as const) {
    const version = await ingest(t, {
      source: sourceFile(t, name, text),
      columns: columns({
        id: "identifier",
        name: "public",
        n: "measure",
        f: "measure",
        tags: "public",
        at: "dimension",
      }),
    });
    t.same(version.values("id"), ["330302199001011234567", "12345678901234567890"], "no digit is lost");
    t.same(version.values("name"), ["王", null]);
    t.same(version.values("tags"), [["a", "b"], []]);
    t.same(["id", "name", "n", "f", "tags", "at"].map(version.type), [
      "VARCHAR",
      "VARCHAR",
      "BIGINT",
      "DOUBLE",
      "VARCHAR[]",
      "DATE",
    ]);
    t.notOk(
      version.manifest.columns.some((column) => column.name === "other"),
      "an undeclared member is not read",
    );
  }
});

t.test("numbers of many digits are not rounded", async (t) => {
  const source = sourceFile(t, "a.json", '[{"a": 12345678901234567890, "b": 9007199254740993}, {"a": 1, "b": 0.5}]');
  const version = await ingest(t, { source, columns: columns({ a: "dimension", b: "dimension" }) });
  t.same(version.values("a"), ["12345678901234567890", "1"]);
  t.same(version.values("b"), ["9007199254740993", "0.5"], "as text, because no number type holds both");
});

t.test("bad JSON files are refused with their row and without their values", async (t) => {
  const cases = [
    { name: "a.ndjson", text: '{"a":1}\n{"a":"SECRETVALUE\n{"a":3}\n', row: 2 },
    { name: "a.json", text: '[{"a":1},{"a":2}', row: 3 },
    { name: "a.ndjson", text: `${'{"a":1}\n'.repeat(59_999)}{"a":SECRET}\n${'{"a":1}\n'.repeat(40_000)}`, row: 60_000 },
    { name: "a.json", text: "[1, 2]" },
    { name: "a.json", text: '"SECRETVALUE"' },
    { name: "a.json", text: '[{"a": 1}, {"a": "SECRETVALUE"}]', row: 2, column: "a" },
    { name: "a.json", text: '[{"b": 1}]', column: "a" },
  ];
  for (const { name, text, row, column } of cases) {
    const error = await failure(t, { source: sourceFile(t, name, text), columns: columns({ a: "measure" }) });
    t.equal(error.code, "ingest_failed");
    t.equal(error.details?.["row"], row, `${text.slice(0, 60)}: ${error.message}`);
    t.equal(error.details?.["column"], column);
    t.notOk(`${error.message}${String(error.cause)}`.includes("SECRET"));
  }
});
