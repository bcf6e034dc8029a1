/**
 * Many mixed hostile and honest jobs through the HTTP interface of a real server. Every honest one must release the
 * numbers that counting gives, every hostile one end as known; memory and descriptors of control plane and runner are
 * noted along the way.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createClient, type Client } from "#client/index.ts";
import type { JobView } from "#contract/job.ts";
import type { ReleasedTable } from "#contract/release.ts";
import { descendantsOf } from "../../src/runner/confinement/index.ts";
import type { TestServer } from "../end-to-end/server.ts";
import { type SoakJob, soakJob } from "./mix.ts";

export interface SoakSample {
  jobs: number;
  controlPlane: ProcessSize;
  runner: ProcessSize;
  /** Processes below the runner, at rest. */
  confined: number;
}

export interface ProcessSize {
  residentBytes: number;
  descriptors: number;
}

export interface SoakResult {
  wrong: string[];
  ends: Record<string, number>;
  samples: SoakSample[];
}

export interface SoakOptions {
  jobs: number;
  lanes: number;
  /** Samples over the whole. */
  samples: number;
}

export async function runSoak(server: TestServer, options: SoakOptions): Promise<SoakResult> {
  const token = await server.token("acme", "developer");
  const acme = createClient({ url: server.url, token });
  const result: SoakResult = { wrong: [], ends: {}, samples: [] };
  const every = Math.ceil(options.jobs / options.samples);
  for (let from = 0; from < options.jobs; from += every) {
    const upTo = Math.min(options.jobs, from + every);
    await runRange(acme, { from, upTo, lanes: options.lanes }, result);
    result.samples.push(await sampleAtRest(upTo));
  }
  return result;

  async function runRange(
    client: Client,
    { from, upTo, lanes }: { from: number; upTo: number; lanes: number },
    into: SoakResult,
  ) {
    let next = from;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < upTo; i = next++) {
        const job = soakJob(i);
        const view = await tryJob(client, job);
        const end = view.state === "failed" ? (view.reasonCode ?? "") : view.state;
        const key = `${job.name}: ${end}`;
        into.ends[key] = (into.ends[key] ?? 0) + 1;
        const problem = job.ends.includes(end) ? await wrongRows(job, view) : `ended with ${end}`;
        if (problem !== undefined) into.wrong.push(`${i} ${job.name} (${view.id}): ${problem}`);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  async function wrongRows({ rows }: SoakJob, { egress }: JobView): Promise<string | undefined> {
    if (!rows) return undefined;
    if (egress.releaseId === undefined) return `not released: ${egress.verdict}`;
    const headers = { accept: "application/json", authorization: `Bearer ${token}` };
    const response = await fetch(`${server.url}/v1/releases/${egress.releaseId}/content`, { headers });
    if (!response.ok) return `content: ${response.status}`;
    const table = (await response.json()) as ReleasedTable;
    const released = table.rows.map((row) => row.map(String)).toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1));
    return JSON.stringify(released) === JSON.stringify(rows) ? undefined : `released ${JSON.stringify(released)}`;
  }
}

async function tryJob(client: Client, { spec, cancelAfterMs }: SoakJob): Promise<JobView> {
  const { id } = await client.jobs.submit(spec);
  if (cancelAfterMs !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, cancelAfterMs));
    await client.jobs.cancel(id);
  }
  return client.jobs.wait(id, { withinMs: 300_000 });
}

const REST_MS = 1500;

/** After a moment in which processes end and collectors run. */
async function sampleAtRest(jobs: number): Promise<SoakSample> {
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  globalThis.gc?.();
  const runner = descendantsOf(process.pid).find((pid) => commandOf(pid).includes("bin/runner.ts"));
  if (runner === undefined) throw new Error("there is no runner");
  return { jobs, controlPlane: sizeOf(process.pid), runner: sizeOf(runner), confined: descendantsOf(runner).length };
}

function sizeOf(pid: number): ProcessSize {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return { residentBytes: Number(kilobytes) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** Empty for a process that has ended meanwhile. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
