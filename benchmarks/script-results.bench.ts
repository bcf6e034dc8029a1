/**
 * How a query's result reaches a script: Arrow with its layout, beside the JSON rows of a release. 100,000 rows of five
 * columns (`--rows=`), medians of nine; the isolate's figures are processor time of its whole process.
 */
import { readdirSync, readFileSync } from "node:fs";
import { DEFAULT_ISOLATE_LIMITS } from "#contract/isolate.ts";
import { renderTable } from "../src/engine/render/index.ts";
import { IsolateClient } from "../src/runner/isolate-client.ts";
import { queryParts } from "../test/isolate/script-table.ts";
import { summarise } from "./bench.ts";

const ROWS = Number(process.argv.find((argument) => argument.startsWith("--rows="))?.slice(7) ?? 100_000);
const RUNS = 9;
const SQL = `SELECT i AS id, ['鹿城', '龙湾', '瓯海', '洞头', '瑞安'][1 + i % 5] AS district, 'clinic-' || (i % 1000) AS clinic,
  (i * 37 % 100000) / 7.0::DOUBLE AS amount, CASE WHEN i % 10 > 0 THEN i % 90 END::INTEGER AS age FROM range(${ROWS}) t(i)`;
const SCRIPTS: readonly (readonly [string, string])[] = [
  ["no query", ""],
  ["arrive", "const r = await sql('q');"],
  ["a column of numbers", "const r = await sql('q'); r.column('id');"],
  ["a column of texts", "const r = await sql('q'); r.column('district');"],
  ["all rows", "const r = await sql('q'); let sum = 0; for (const row of r) sum += row.amount;"],
  [
    "arquero group by",
    "(await sql('q')).toArquero().groupby('district').rollup({ n: require('arquero').op.count() }).objects();",
  ],
];

const parts = await queryParts(SQL);
const [head, stream] = parts as [Uint8Array, Uint8Array];
const started = performance.now();
const json = renderTable(stream, { format: "json", suppressed: 0, notes: [] });
const renderMs = performance.now() - started;
await using isolate = await IsolateClient.start({ readOnly: [], memoryBytes: 2 ** 30, confinement: "process" });
const figures: [string, string][] = [
  ["bytes to the script, Arrow", String(head.byteLength + stream.byteLength)],
  ["bytes to the script, JSON", String(json.byteLength)],
  ["ms of the engine to render JSON", renderMs.toFixed(0)],
];
for (const [name, script] of SCRIPTS) {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) times.push(await measure(script));
  figures.push([`ms of the isolate: ${name}`, summarise(times).medianMs.toFixed(1)]);
}
for (const [name, figure] of figures) console.log(`${name.padEnd(40)} ${figure}`);

async function measure(script: string): Promise<number> {
  const before = processorMs();
  const limits = { ...DEFAULT_ISOLATE_LIMITS, memoryMb: 256 };
  const done = await isolate.run(
    { op: "run", script: `${script} output.json("done", 1);`, parameters: {}, nowMs: 0, seed: 1, limits },
    { onQuery: (query) => isolate.answer(query, { ok: true }, [head, stream]), onLog: ignore, onOutput: ignore },
  );
  if (!done.ok) throw new Error(done.message ?? "the script failed");
  return processorMs() - before;
}

function processorMs(): number {
  const tasks = `/proc/${isolate.process.pid}/task`;
  return readdirSync(tasks).reduce(
    (sum, task) => sum + Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]) / 1e6,
    0,
  );
}

function ignore(): void {
  // nothing of it is measured
}
