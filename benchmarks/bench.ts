/**
 * A small harness for the benchmarks: `benchmarks/<name>.bench.ts` measures the product beside a reference in one
 * run on one machine, prints a table, or with `--json` one object. A figure without its reference is not reported.
 */
import { cpus, totalmem } from "node:os";
import type { EgressProfile } from "#contract/profile.ts";

export interface Sample {
  medianMs: number;
  p50Ms: number;
  p99Ms: number;
  minMs: number;
  runs: number;
}

export interface Measurement {
  name: string;
  /** Stands for what the others are compared with: raw DuckDB, an in-memory table, plain Node. */
  isReference?: boolean;
  /** Unmeasured runs in front, at least one (default 10). */
  warmUpRuns?: number;
  /** Measured runs (default 200). */
  runs?: number;
  /** Awaited before each run, unmeasured. */
  prepare?: () => Promise<void>;
  /** Awaited when it is a promise. */
  run: () => unknown;
}

export interface Figure extends Sample {
  name: string;
  isReference: boolean;
  /** Median divided by the median of the reference. */
  ratio: number;
}

export interface Report {
  benchmark: string;
  machine: { cpu: string; cores: number; memoryBytes: number; platform: string };
  node: string;
  versions: Readonly<Record<string, string>>;
  figures: Figure[];
  /** Further numbers of the run, for example what each stage took. */
  details: Readonly<Record<string, number>>;
}

export interface Benchmark {
  name: string;
  /** Versions of what was measured besides Node, for example `{ duckdb: "v1.5.6" }`. */
  versions?: Readonly<Record<string, string>>;
  measurements: readonly Measurement[];
  /** Awaited when all is measured, before `details` is asked. */
  after?: () => Promise<void>;
  details?: () => Readonly<Record<string, number>>;
}

/** Measures all of it, interleaved so that a disturbed moment meets every candidate, and prints the report. */
export async function runBenchmark(
  benchmark: Benchmark,
  args: readonly string[] = process.argv.slice(2),
): Promise<Report> {
  const times = await measureInterleaved(benchmark.measurements);
  await benchmark.after?.();
  const report = createReport(benchmark, times);
  console.log(args.includes("--json") ? JSON.stringify(report) : formatReport(report));
  return report;
}

async function measureInterleaved(measurements: readonly Measurement[]): Promise<Map<string, number[]>> {
  for (const { prepare, run, warmUpRuns = 10 } of measurements) {
    for (let i = 0; i < Math.max(1, warmUpRuns); i++) {
      await prepare?.();
      await run();
    }
  }
  const times = new Map<string, number[]>(measurements.map(({ name }) => [name, []]));
  const rounds = Math.max(...measurements.map(({ runs = 200 }) => runs));
  for (let round = 0; round < rounds; round++) {
    for (const { name, prepare, run, runs = 200 } of measurements) {
      if (round >= runs) continue;
      await prepare?.();
      times.get(name)?.push(await timeOf(run));
    }
  }
  return times;
}

async function timeOf(run: Measurement["run"]): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/**
 * Builds the report from the times of each measurement in milliseconds.
 * @throws Error when there is not exactly one measured reference, or a measurement without times
 */
export function createReport(benchmark: Benchmark, times: ReadonlyMap<string, readonly number[]>): Report {
  const references = benchmark.measurements.filter(({ isReference }) => isReference === true);
  const [reference] = references;
  if (!reference || references.length > 1) throw new Error("a benchmark needs one reference, measured in the same run");
  const samples = new Map(benchmark.measurements.map(({ name }) => [name, summarise(times.get(name) ?? [])]));
  const baseMs = samples.get(reference.name)?.medianMs ?? Number.NaN;
  if (!(baseMs > 0)) throw new Error("the reference was not measured");
  return {
    benchmark: benchmark.name,
    machine: describeMachine(),
    node: process.version,
    versions: benchmark.versions ?? {},
    figures: [...samples].map(([name, sample]) => {
      return { name, isReference: name === reference.name, ...sample, ratio: sample.medianMs / baseMs };
    }),
    details: benchmark.details?.() ?? {},
  };
}

/** Nearest-rank percentiles; the median of an even number is the mean of the middle two. */
export function summarise(times: readonly number[]): Sample {
  if (times.length === 0) throw new Error("nothing was measured");
  const sorted = times.toSorted((a, b) => a - b);
  const rank = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const medianMs = sorted.length % 2 === 1 ? upper : (rank(0.5) + upper) / 2;
  return { medianMs, p50Ms: rank(0.5), p99Ms: rank(0.99), minMs: rank(0), runs: sorted.length };
}

function describeMachine(): Report["machine"] {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
  };
}

function formatReport({ benchmark, machine, node, versions, figures, details }: Report): string {
  const software = [`node ${node}`, ...Object.entries(versions).map(([name, version]) => `${name} ${version}`)];
  const head = ["", "median ms", "p99 ms", "min ms", "ratio", "runs"];
  const rows = figures.map((figure) => [
    figure.isReference ? `${figure.name} (reference)` : figure.name,
    ...[figure.medianMs, figure.p99Ms, figure.minMs].map((ms) => ms.toFixed(3)),
    figure.ratio.toFixed(2),
    String(figure.runs),
  ]);
  const extra = Object.entries(details).map(([name, value]) => `${name}: ${Number(value.toPrecision(4))}`);
  const hardware = `${machine.cores} × ${machine.cpu}, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  return [`${benchmark} · ${hardware} · ${software.join(", ")}`, ...formatTable([head, ...rows]), ...extra].join("\n");
}

/** First column to the left, numbers to the right. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

let reworded = 0;

/** The same profile in other words: an engine knows the cells of a question that was asked before under the same. */
export function anotherProfile(profile: EgressProfile): EgressProfile {
  return { ...profile, minSubjects: { ...profile.minSubjects, basis: `benchmark ${(reworded += 1)}` } };
}
