/**
 * What pre-review costs: the plan gate per statement, and for typical questions the whole of evidence, rules and
 * encoding beside the analyst's own query on the same tables and connection, two threads. `--rows=1` (millions, 1 and
 * 10 unless said otherwise), `--runs=7`, `--only=<part of a question's name>`. Means over a million rows beside ACRO in Python
 * when the interpreter named by `--acro=<python>` has it (`pip install acro` into an environment of your own); skipped when not.
 */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EngineOpen, MountedProduct } from "../src/contract/engine.ts";
import type { ColumnRole } from "../src/contract/product.ts";
import { judgeForm } from "../src/engine/gate/index.ts";
import { EngineSession } from "../src/engine/index.ts";
import { ACCEPTED } from "../test/engine/gate/cases.ts";
import { CATALOGUE, createEmpty, openConnection } from "../test/engine/gate/town.ts";
import { PROFILE } from "../test/engine/session/profile.ts";
import { ask } from "../test/engine/session/town-session.ts";
import { anotherProfile, summarise } from "./bench.ts";

const argument = (name: string): string | undefined =>
  process.argv.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3);
const RUNS = Number(argument("runs") ?? 7);
const ONLY = new RegExp(argument("only") ?? "");
const MILLIONS = (argument("rows") ?? "1,10").split(",").map(Number);

type Column = [name: string, role: ColumnRole, type: string];
const VISITS: Column[] = [
  ["person", "subject_key", "UINTEGER"],
  ["hospital", "dimension", "VARCHAR"],
  ["ward", "dimension", "VARCHAR"],
  ["kind", "dimension", "VARCHAR"],
  ["cost", "measure", "DECIMAL(10,2)"],
  ["amount", "measure", "DOUBLE"],
];
const PERSONS: Column[] = [
  ["person", "subject_key", "UINTEGER"],
  ["area", "dimension", "VARCHAR"],
  ["block", "dimension", "VARCHAR"],
  ["sex", "dimension", "VARCHAR"],
  ["income", "measure", "DOUBLE"],
];
const TABLES: Record<string, Column[]> = { visits: VISITS, persons: PERSONS };

const QUESTIONS: Record<string, string> = {
  "count, 200 cells": "SELECT hospital, count(*) FROM visits GROUP BY 1",
  "count, 5,000 cells": "SELECT hospital, ward, count(*) FROM visits GROUP BY 1, 2",
  "sum and mean, 200 cells": "SELECT hospital, count(*), sum(cost), avg(amount) FROM visits GROUP BY 1",
  "sum and mean, 5,000 cells": "SELECT hospital, ward, count(*), sum(cost), avg(amount) FROM visits GROUP BY 1, 2",
  "sum with conditions, 200 cells":
    "SELECT hospital, sum(cost) FROM visits WHERE kind IN ('K1', 'K2', 'K3') AND cost >= 100 GROUP BY 1",
  "share, 200 cells": "SELECT hospital, count(*), count(*) FILTER (WHERE kind = 'K1') FROM visits GROUP BY 1",
  "one row a person, count, 200 cells": "SELECT area, count(*) FROM persons GROUP BY 1",
  "one row a person, mean, 5,000 cells": "SELECT area, block, avg(income) FROM persons GROUP BY 1, 2",
  "join, 200 cells":
    "SELECT p.area, count(*), sum(v.cost) FROM visits v JOIN persons p ON v.person = p.person GROUP BY 1",
  "median, 200 cells": "SELECT hospital, median(cost) FROM visits GROUP BY 1",
  "quartiles, 5,000 cells": "SELECT hospital, ward, quantile_cont(amount, [0.25, 0.5, 0.75]) FROM visits GROUP BY 1, 2",
  "one row a person, median, 200 cells": "SELECT area, median(income) FROM persons GROUP BY 1",
  "correlation, 200 cells": "SELECT hospital, corr(cost, amount) FROM visits GROUP BY 1",
  "different values, 200 cells": "SELECT hospital, count(DISTINCT ward) FROM visits GROUP BY 1",
  "EXISTS, 200 cells":
    "SELECT p.area, count(*), avg(p.income) FROM persons p WHERE EXISTS (FROM visits v WHERE v.person = p.person AND v.kind = 'K1') GROUP BY 1",
  "NOT IN, 200 cells":
    "SELECT p.area, count(*) FROM persons p WHERE p.person NOT IN (SELECT person FROM visits WHERE cost >= 100 AND kind = 'K2') GROUP BY 1",
  "totals per person, 200 cells":
    "SELECT p.area, avg(u.total), count(*) FROM persons p JOIN (SELECT person, sum(cost) AS total FROM visits WHERE kind <> 'K3' GROUP BY 1) u ON u.person = p.person GROUP BY 1",
  "left join, 200 cells":
    "SELECT p.area, count(*), count(v.cost), sum(v.cost) FROM persons p LEFT JOIN visits v ON v.person = p.person AND v.kind = 'K1' GROUP BY 1",
  "union, 400 cells":
    "SELECT place, count(*), sum(x) FROM (SELECT hospital AS place, amount AS x FROM visits UNION ALL SELECT area, income FROM persons) GROUP BY 1",
};

function product(id: string, columns: Column[]): MountedProduct {
  const manifest = columns.map(([name, role, type]) => ({
    name,
    role,
    type,
    grade: "L2" as const,
    nullCount: 0,
    approxDistinct: 0,
  }));
  return { id, version: "v1", directory: "/nowhere", rowCount: 0, subjectKey: "person", columns: manifest, files: [] };
}

async function fill(connection: DuckDBConnection, rows: number): Promise<void> {
  const people = Math.floor(rows / 3);
  await connection.run(`INSERT INTO visits SELECT hash(i) % ${people}, 'H' || (hash(i * 7 + 1) % 200), 'W' || (hash(i * 3 + 2) % 25),
    'K' || (hash(i * 19) % 8), ((hash(i * 11) % 100003) / 10)::DECIMAL(10,2), (hash(i * 13) % 100003) / 1.37 FROM range(${rows}) r(i)`);
  await connection.run(`INSERT INTO persons SELECT i, 'A' || (hash(i * 7 + 1) % 200), 'B' || (hash(i * 3 + 2) % 25),
    CASE WHEN i % 2 = 0 THEN 'f' ELSE 'm' END, (hash(i * 13) % 100003) / 1.37 FROM range(${rows}) r(i)`);
}

async function openTables(rows: number): Promise<{ session: EngineSession; data: DuckDBConnection }> {
  const open: EngineOpen = {
    op: "open",
    id: 1,
    scenario: "bench",
    visibility: "aggregates",
    products: Object.entries(TABLES).map(([id, columns]) => product(id, columns)),
    joins: [{ left: "visits.person", right: "persons.person" }],
    threads: 2,
    memoryBytes: 6 * 2 ** 30,
  };
  let data: DuckDBConnection | undefined;
  const session = await EngineSession.open(open, async (connection, _open, { empty }) => {
    for (const [id, columns] of Object.entries(TABLES)) {
      await connection.run(`CREATE TABLE ${id} (${columns.map(([name, , type]) => `${name} ${type}`).join(", ")})`);
    }
    if (empty) return;
    data = connection;
    await fill(connection, rows);
  });
  return { session, data: data! };
}

interface Times {
  wallMs: number;
  /** Of all threads: the steadier figure on a busy machine. */
  cpuMs: number;
}

async function timed(run: () => Promise<unknown>): Promise<Times> {
  const [started, used] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(used);
  return { wallMs: performance.now() - started, cpuMs: (user + system) / 1000 };
}

async function benchGate(): Promise<void> {
  const planning = await openConnection(createEmpty);
  const times: number[] = [];
  for (let round = 0; round < 12; round++) {
    for (const { sql } of ACCEPTED) {
      const request = { sql, parameters: {}, visibility: "aggregates", catalogue: CATALOGUE } as const;
      const { wallMs } = await timed(() => judgeForm(planning, request));
      if (round > 1) times.push(wallMs);
    }
  }
  planning.closeSync();
  const { p50Ms, p99Ms, runs } = summarise(times);
  console.log(`plan gate: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms over ${runs} statements`);
}

async function benchEvidence(millions: number): Promise<void> {
  const { session, data } = await openTables(millions * 1e6);
  console.log(`${millions} M rows · ${cpus().length} × ${cpus()[0]?.model}`);
  for (const [name, sql] of Object.entries(QUESTIONS)) {
    if (!ONLY.test(name)) continue;
    const alone: Times[] = [];
    const whole: Times[] = [];
    const again: Times[] = [];
    for (let run = 0; run <= RUNS; run++) {
      const own = await timed(() => data.runAndReadAll(sql));
      const question = ask(sql, anotherProfile(PROFILE));
      const judged = await timed(() => session.query(question));
      const second = await timed(() => session.query(question));
      if (run === 0) continue;
      again.push(second);
      alone.push(own);
      whole.push(judged);
    }
    const median = (times: Times[], which: keyof Times): number => summarise(times.map((one) => one[which])).medianMs;
    const figures = (["wallMs", "cpuMs"] as const).map((which) => {
      const [a, w] = [median(alone, which), median(whole, which)];
      return `${which.slice(0, -2)} ${a.toFixed(0).padStart(6)} → ${w.toFixed(0).padStart(6)} ms  ratio ${(w / a).toFixed(2).padStart(5)}`;
    });
    const known = `asked again: cpu ${median(again, "cpuMs").toFixed(1).padStart(5)} ms`;
    console.log(`${name.padEnd(36)} ${[...figures, known].join("   ")}`);
  }
  await session[Symbol.asyncDispose]();
}

/** The same question as ACRO is asked, on as many rows: rows a second. */
async function benchBesideAcro(): Promise<void> {
  const { session } = await openTables(1e6);
  const speeds = new Map<string, number>();
  for (const [name, keys] of [
    ["200 cells", "hospital"],
    ["5,000 cells", "hospital, ward"],
  ] as const) {
    const times: number[] = [];
    for (let run = 0; run <= RUNS; run++) {
      const { wallMs } = await timed(() =>
        session.query(ask(`SELECT ${keys}, avg(amount) FROM visits GROUP BY ALL`, anotherProfile(PROFILE))),
      );
      if (run > 0) times.push(wallMs);
    }
    speeds.set(name, 1e9 / summarise(times).medianMs);
  }
  await session[Symbol.asyncDispose]();
  for (const [name, own] of speeds) {
    const acro = acroSpeeds().get(name);
    const beside =
      acro === undefined ? "ACRO skipped (name an interpreter that has it with --acro=)" : besideText(own, acro);
    console.log(`mean, ${name.padEnd(12)} Sluice ${millionRows(own)}   ${beside}`);
  }
}

const millionRows = (rowsPerSecond: number): string => `${(rowsPerSecond / 1e6).toFixed(2)} M rows/s`;
const besideText = (own: number, acro: number): string =>
  `ACRO ${millionRows(acro)}   ${(own / acro).toFixed(1)} times as fast`;

const ACRO = `
import time, sys
import numpy as np, pandas as pd
from acro import ACRO
n = 1_000_000
rng = np.random.default_rng(1)
df = pd.DataFrame({"hospital": rng.integers(0, 200, n), "ward": rng.integers(0, 25, n), "cost": rng.random(n) * 1e4})
acro = ACRO(suppress=True)
for name, index in (("200 cells", df.hospital), ("5,000 cells", [df.hospital, df.ward])):
    start = time.perf_counter(); acro.crosstab(index, np.zeros(n, dtype=int), values=df.cost, aggfunc="mean")
    print(f"ACRO mean, {name}: {(time.perf_counter() - start) * 1000:.0f} ms", file=sys.__stdout__)
`;

let acroRan: Map<string, number> | undefined;

/** Rows a second of ACRO by number of cells; empty where there is none. */
function acroSpeeds(): Map<string, number> {
  const python = argument("acro");
  if (python === undefined) return new Map();
  if (acroRan) return acroRan;
  const { stdout, stderr } = spawnSync(python, ["-c", ACRO], { encoding: "utf8", timeout: 300_000, cwd: "/tmp" });
  const lines = [...stdout.matchAll(/^ACRO mean, (.*): (\d+) ms$/gm)];
  if (lines.length === 0) console.error(`ACRO did not run: ${stderr.split("\n").slice(-3).join(" ")}`);
  acroRan = new Map(lines.map(([, name, ms]) => [name!, 1e9 / Number(ms)]));
  return acroRan;
}

await benchGate();
for (const millions of MILLIONS) await benchEvidence(millions);
await benchBesideAcro();
