import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { sha256 } from "../../src/kernel/digest.ts";
import { buildLibraries } from "../../sandbox-images/libraries/build.ts";
import { makeProgram, type RunOptions, startIsolate, table } from "./supervisor.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const program = makeProgram();
const isolate = await startIsolate(program.entry);
t.teardown(async () => {
  await isolate[Symbol.asyncDispose]();
  program.remove();
});

const visits = () =>
  table({ district: "VARCHAR", month: "INTEGER", n: "BIGINT", cost: "DECIMAL(18,2)" }, [
    ["鹿城", 1, "120", "1000.50"],
    ["鹿城", 2, "80", "500.25"],
    ["瓯海", 1, "60", "300.00"],
    ["瓯海", 2, null, null],
  ]);

async function value(script: string, options: RunOptions = { answer: visits }): Promise<unknown> {
  const { outputs, done } = await isolate.run(script, options);
  if (done?.ok !== true) throw new Error(done?.message);
  return JSON.parse(outputs[0]?.text ?? "");
}

t.test("arquero groups, rolls up, joins, derives and orders query results", async (t) => {
  const grouped = await value(
    `const aq = require("arquero"); const r = await sql("x");
     output.json("v", r.toArquero().groupby("district").rollup({ n: aq.op.sum("n"), cost: (d) => aq.op.mean(d.cost), rows: aq.op.count() }).orderby(aq.desc("n")).objects())`,
  );
  t.same(grouped, [
    { district: "鹿城", n: 200, cost: 750.375, rows: 2 },
    { district: "瓯海", n: 60, cost: 300, rows: 2 },
  ]);
  const derived = await value(
    `const { table, from, op } = require("arquero"); const r = await sql("x");
     const kinds = table({ district: ["鹿城", "瓯海"], people: [1000, 500] });
     output.table("t", from(r).filter((d) => d.n != null).join(kinds, "district").derive({ rate: (d) => op.round(d.n / d.people * 1000) / 1000 }).select("district", "month", "rate").objects());`,
  );
  t.same(derived, {
    columns: [{ name: "district" }, { name: "month" }, { name: "rate" }],
    rows: [
      ["鹿城", 1, 0.12],
      ["鹿城", 2, 0.08],
      ["瓯海", 1, 0.12],
    ],
  });
  const windows = await value(
    `const aq = require("arquero"); const t = (await sql("x")).toArquero();
     output.json("v", [
       t.derive({ share: aq.rolling((d) => aq.op.sum(d.n)) }).array("share"),
       t.groupby("district").pivot("month", "n").objects(), t.fold(["n", "cost"]).numRows(),
       t.derive({ rank: aq.op.rank() }).array("rank"), t.dedupe("district").array("district"), aq.fromCSV("a,b\\n1,x").objects(), t.toCSV().split("\\n").length,
       t.params({ least: 70 }).filter((d, $) => d.n > $.least).count().object().count])`,
  );
  t.same(windows, [
    [120, 200, 260, 260],
    [
      { district: "鹿城", 1: 120, 2: 80 },
      { district: "瓯海", 1: 60 },
    ],
    8,
    [1, 2, 3, 4],
    ["鹿城", "瓯海"],
    [{ a: 1, b: "x" }],
    6,
    2,
  ]);
});

t.test("arquero's Arrow bytes come back as they went", async (t) => {
  const round = `const aq = require("arquero"); const bytes = aq.toArrowIPC(aq.table({ a: [1, 2], b: ["城", "é𠮷"] }), { format: "stream" });
    output.json("v", aq.fromArrow(bytes).objects())`;
  t.same(await value(round), [
    { a: 1, b: "城" },
    { a: 2, b: "é𠮷" },
  ]);
});

t.test("simple-statistics fits lines, takes quantiles and tests", async (t) => {
  const seen = await value(
    `const ss = require("simple-statistics"); const r = await sql("x"); const n = [...r.column("month")];
     const line = ss.linearRegression([[0, 1], [1, 3], [2, 5]]);
     output.json("v", [line, ss.linearRegressionLine(line)(10), ss.quantile([3, 6, 7, 8, 8, 10, 13, 15, 16, 20], [0.2, 0.5]), ss.mean(n), ss.median([1, 2, 9]),
       ss.standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]), ss.sampleCorrelation([1, 2, 3], [2, 4, 6.5]).toFixed(4), ss.kMeansCluster([[1], [2], [10], [11]], 2).labels.length])`,
  );
  t.same(seen, [{ m: 2, b: 1 }, 21, [6.8, 9], 1.5, 2, 2, "0.9979", 4]);
});

t.test("chance in a library is the job's", async (t) => {
  const script = `const aq = require("arquero"); const ss = require("simple-statistics");
    output.json("v", [aq.table({ a: Array.from({ length: 50 }, (_, i) => i) }).sample(10).array("a"), ss.sample([1, 2, 3, 4, 5, 6], 3), ss.shuffle([1, 2, 3, 4, 5])])`;
  const first = await value(script, { seed: 3 });
  t.same(await value(script, { seed: 3 }), first);
  t.notSame(await value(script, { seed: 4 }), first);
});

t.test("a library is loaded once and has the script's world and no other", async (t) => {
  t.equal(await value(`output.json("v", require("arquero") === require("arquero"))`), true);
  t.same(
    await value(
      `const { ColumnTable } = require("arquero"); const F = ColumnTable.constructor;
       output.json("v", [F === Function, F("return typeof process")(), F("return typeof TextDecoder")(), typeof module, typeof exports, Object.isFrozen(require)])`,
    ),
    [true, "undefined", "undefined", "undefined", "undefined", true],
  );
});

t.test("what a hardened world lacks is a plain error", async (t) => {
  const lacks = [
    `require("arquero").collate("zh")`,
    `require("arquero").table({ a: ["é"] }).derive({ b: (d) => op.normalize(d.a) })`,
    `require("arquero").loadCSV("https://example.org/a.csv")`,
  ];
  for (const use of lacks) {
    const { done } = await isolate.run(use);
    t.match(done, { ok: false, code: "script_error", line: 1 }, use);
  }
});

t.test("an unknown library is a script error that names those there are", async (t) => {
  for (const name of [
    "'fs'",
    "'node:fs'",
    "'__proto__'",
    "''",
    "'ARQUERO'",
    "5",
    "{}",
    "",
    "['arquero']",
    "'x'.repeat(1e6)",
  ]) {
    const { done } = await isolate.run(`require(${name})`);
    t.match(done, { ok: false, code: "script_error", line: 1 }, name);
    t.match(done?.message, /There is no library.*; the image has arquero, simple-statistics/, name);
  }
  const imported = await isolate.run("import * as aq from 'arquero'");
  t.match(imported.done?.message, /^SyntaxError: .*require\(/);
});

t.test("bundling again gives the bytes that the lock pins", async (t) => {
  const lock = JSON.parse(readFileSync(join(ROOT, "sandbox-images/images.lock.json"), "utf8")) as Record<
    string,
    { files: Record<string, string> }
  >;
  const bundles = await buildLibraries();
  t.same([...bundles.keys()].toSorted(), ["LICENSES.txt", "arquero.js", "simple-statistics.js"]);
  for (const [name, text] of bundles) {
    t.equal(lock["javascript@1"]?.files[`build/libraries/${name}`], sha256(Buffer.from(text)), name);
    t.notMatch(text, new RegExp(`${ROOT}|/node_modules/|file://`), name);
  }
  t.match(bundles.get("LICENSES.txt"), /arquero 8\.0\.3 .*acorn|acorn .*arquero 8\.0\.3/s);
});
