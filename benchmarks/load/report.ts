/** How the load benchmark says what it measured. */
import { cpus, totalmem } from "node:os";
import { summarise } from "../bench.ts";

export interface LoadFigure {
  name: string;
  /** What a machine without any of the rest would do. */
  isReference?: boolean;
  clients: number;
  measuredMs: number;
  latenciesMs: number[];
  /** Processor time by process, milliseconds a job. */
  cpuMs: Record<string, number>;
  residentBytes?: Record<string, number>;
  jobs?: Record<string, number>;
  failures?: Record<string, number>;
}

/**
 * Jain's fairness index of what each got: (Σx)² / (n Σx²), 1 when all got the same, 1/n when one got everything.
 * Jain, Chiu, Hawe: A Quantitative Measure of Fairness, DEC-TR-301, 1984.
 */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}

export function printFigures(
  figures: readonly LoadFigure[],
  { people, json }: { people: number; json: boolean },
): void {
  const reference = figures.find(({ isReference }) => isReference === true);
  if (!reference) throw new Error("a figure needs its reference of the same run");
  const rows = figures.map((figure) => rowOf(figure, perSecond(reference)));
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  if (json) console.log(JSON.stringify({ benchmark: "load", people, machine, node: process.version, figures: rows }));
  else {
    console.log(`load · ${people} people · ${machine} · node ${process.version}`);
    for (const row of rows) console.log(lineOf(row));
  }
}

function perSecond({ latenciesMs, measuredMs }: LoadFigure): number {
  return (1000 * latenciesMs.length) / measuredMs;
}

function rowOf(figure: LoadFigure, limit: number) {
  const { name, clients, latenciesMs, cpuMs, residentBytes, jobs, failures } = figure;
  const { p50Ms, p99Ms } = latenciesMs.length > 0 ? summarise(latenciesMs) : { p50Ms: Number.NaN, p99Ms: Number.NaN };
  return {
    name,
    clients,
    jobsPerSecond: perSecond(figure),
    ratio: perSecond(figure) / limit,
    p50Ms,
    p99Ms,
    cpuMs,
    ...(jobs ? { jain: jainIndex(Object.values(jobs)), organisations: Object.keys(jobs).length, jobs } : {}),
    ...(residentBytes ? { residentBytes } : {}),
    ...(failures && Object.keys(failures).length > 0 ? { failures } : {}),
  };
}

function lineOf(row: ReturnType<typeof rowOf>): string {
  const cpu = Object.entries(row.cpuMs).map(([name, ms]) => `${name} ${ms.toFixed(1)}`);
  const memory = Object.entries(row.residentBytes ?? {}).map(([name, b]) => `${name} ${(b / 2 ** 20).toFixed(0)} MiB`);
  return [
    `${row.name}, ${row.clients} clients: ${row.jobsPerSecond.toFixed(1)} jobs/s (${row.ratio.toFixed(2)} of raw)`,
    `p50 ${row.p50Ms.toFixed(0)} ms, p99 ${row.p99Ms.toFixed(0)} ms`,
    ...(row.jain === undefined ? [] : [`Jain ${row.jain.toFixed(3)} of ${row.organisations}`]),
    `processor ms a job: ${cpu.join(", ")}`,
    ...(memory.length > 0 ? [memory.join(", ")] : []),
    ...(row.failures ? [`failures ${JSON.stringify(row.failures)}`] : []),
  ].join(" · ");
}
