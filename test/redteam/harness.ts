/**
 * A real server with its runner on the embedded database and a small space, hostile payloads through its HTTP
 * interface, and what must hold whatever they do: an end of the closed list, no canary in anything that a developer
 * can read, other jobs unharmed, no process left.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import type { Client } from "#client/index.ts";
import { type AppError, isAppError } from "#kernel/errors.ts";
import type { JobSubmit, JobView } from "#contract/job.ts";
import { descendantsOf, startOf } from "../../src/runner/confinement/index.ts";
import { isAlive } from "../tooling/is-alive.ts";
import { startTestServer, type TestServer } from "../end-to-end/server.ts";

/** What a payload may end with: `succeeded` or codes of the closed list. */
export type Outcomes = readonly string[];

export interface Payload {
  name: string;
  /** `clinic-access` gives a script aggregates, `row-study` rows (its label is row-level then). */
  scenario: "clinic-access" | "row-study";
  image: string;
  sql?: string;
  script?: string;
  outcomes: Outcomes;
}

export interface Tried {
  payload: Payload;
  outcome: string;
  /** Everything about the job that its developer can read. */
  readable: string;
  ms: number;
}

export interface Arena {
  /** The wall clock of its jobs. */
  readonly wallSeconds: number;
  /** Runs payloads, so many at once, and the witness job beside them. Answers in the order of `payloads`. */
  run(payloads: readonly Payload[], lanes: number): Promise<Tried[]>;
  /** Stops the server and answers the processes that outlived it. */
  close(): Promise<string[]>;
}

export interface ArenaOptions {
  wallSeconds: number;
  /** Further settings of the server, such as the confinement. */
  env?: Record<string, string>;
}

const CANARY = "canary-7c1f";
/** Values of rows (their names), the planted canaries, and places of this machine. */
const SECRET = new RegExp(`人\\d+|${CANARY}|sluice-e2e|node_modules|/src/|/usr/|/tmp/|file://|\\[object process`);
const WITNESS = { sql: "select count(*) as n from people", rows: 2000 };

export async function startArena(t: Test, { wallSeconds, env = {} }: ArenaOptions): Promise<Arena> {
  const directory = mkdtempSync(join(tmpdir(), `${CANARY}-`));
  writeFileSync(join(directory, "secret.txt"), CANARY);
  process.env["SLUICE_CANARY"] = CANARY;
  const limits = { SLUICE_INTERACTIVE_WALL_SECONDS: String(wallSeconds), SLUICE_RUNNER_JOBS: "3" };
  let ours: (() => Promise<void>) | undefined;
  // the server's own teardown is taken over, so that its processes can be counted after it
  const holder = { teardown: (end: () => Promise<void>) => void (ours = chained(ours, end)) } as unknown as Test;
  const server = await startTestServer(holder, { env: { ...limits, ...env } });
  const seen = new Map<number, string>();
  const watch = setInterval(() => noteDescendants(seen), 100);
  let closed: Promise<string[]> | undefined;
  const close = async (): Promise<string[]> => {
    noteDescendants(seen);
    clearInterval(watch);
    await ours?.();
    rmSync(directory, { recursive: true, force: true });
    delete process.env["SLUICE_CANARY"];
    return [...seen].filter(([pid, born]) => isAlive(pid) && startOf(pid) === born).map(([pid]) => `process ${pid}`);
  };
  t.teardown(async () => (closed ??= close()));
  return {
    wallSeconds,
    run: (payloads, lanes) => runAll(server, payloads, lanes),
    close: async () => (closed ??= close()),
  };
}

/** What a payload of the tried broke, in words; nothing when all held. */
function violations({ payload, outcome, readable, ms }: Tried, wallSeconds: number): string[] {
  const leaked = SECRET.exec(readable)?.[0];
  return [
    ...(payload.outcomes.includes(outcome) ? [] : [`ended with ${outcome}, not with ${payload.outcomes.join(" or ")}`]),
    ...(leaked === undefined ? [] : [`a developer can read ${leaked}`]),
    ...(ms <= wallSeconds * 1000 + 20_000 ? [] : [`took ${Math.round(ms)} ms`]),
  ];
}

/** Runs the payloads, three at once, and asserts of each that nothing of the above was broken. */
export async function expectHeld(t: Test, arena: Arena, payloads: readonly Payload[]): Promise<void> {
  for (const tried of await arena.run(payloads, LANES)) {
    t.same(violations(tried, arena.wallSeconds), [], `${tried.payload.name}: ${tried.outcome}`);
  }
}

const LANES = 3;

function chained(first: (() => Promise<void>) | undefined, next: () => Promise<void>): () => Promise<void> {
  return async () => {
    await first?.();
    await next();
  };
}

async function runAll(server: TestServer, payloads: readonly Payload[], lanes: number): Promise<Tried[]> {
  const developer = await server.client("acme", "developer");
  const tried: Tried[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < payloads.length; i = next++) tried[i] = await attempt(developer, payloads[i]!);
  };
  const over = new AbortController();
  const witness = watchWitness(developer, over.signal);
  await Promise.all(Array.from({ length: lanes }, lane)).finally(() => over.abort());
  await witness;
  return tried;
}

async function attempt(developer: Client, payload: Payload): Promise<Tried> {
  const { scenario, image, sql, script } = payload;
  const spec: JobSubmit = {
    scenario,
    image,
    ...(sql === undefined ? {} : { sql }),
    ...(script === undefined ? {} : { script }),
  };
  const submitted = await developer.jobs.submit(spec).catch((error: unknown) => {
    if (isAppError(error)) return error;
    throw error;
  });
  if (isAppError(submitted)) return refusedAtOnce(payload, submitted);
  const job = await developer.jobs.wait(submitted.id, { withinMs: 120_000 });
  const ms = Date.parse(job.finishedAt ?? job.submittedAt) - Date.parse(job.startedAt ?? job.submittedAt);
  const log = await developer.jobs.log(job.id);
  const events: unknown[] = [];
  for await (const event of developer.jobs.events(job.id)) events.push(event);
  const readable = JSON.stringify([job, log, events, await requestOf(developer, job)]);
  return { payload, outcome: job.state === "failed" ? (job.reasonCode ?? "") : job.state, readable, ms };
}

/** A statement that is too long does not even become a job. */
function refusedAtOnce(payload: Payload, error: AppError): Tried {
  return { payload, outcome: error.code, readable: `${error.code} ${error.message}`, ms: 0 };
}

async function requestOf(developer: Client, { egress }: JobView): Promise<unknown> {
  return egress.requestId === undefined ? undefined : developer.egress.get(egress.requestId);
}

/** One honest job after another, beside the payloads: each must have its answer. */
async function watchWitness(developer: Client, over: AbortSignal): Promise<void> {
  do {
    const spec = { scenario: "clinic-access", image: "sql@1", sql: WITNESS.sql, requestEgress: false };
    const { id } = await developer.jobs.submit(spec);
    const job = await developer.jobs.wait(id, { withinMs: 120_000 });
    if (job.state !== "succeeded") throw new Error(`an honest job ended with ${job.state} ${job.reasonCode ?? ""}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  } while (!over.aborted);
}

/** Processes below this one, with the time of their birth: numbers are used again. */
function noteDescendants(seen: Map<number, string>): void {
  for (const pid of descendantsOf(process.pid)) {
    const born = startOf(pid);
    if (born !== undefined) seen.set(pid, born);
  }
}
