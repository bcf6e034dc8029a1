/**
 * The load generator, a process of its own: so many clients, each submits a job, waits for its release and submits the
 * next, until the time is over. Takes a `LoadOrder` as JSON on standard input and answers a `LoadResult` on standard output.
 */
import { text } from "node:stream/consumers";
import { Pool } from "undici";
import { halfKnown, queryOf, scenarioOf } from "./town.ts";

export interface LoadOrder {
  url: string;
  /** One a client. */
  clients: { organisation: string; token: string }[];
  warmUpMs: number;
  measureMs: number;
  /** Queries are numbered from here, so that no two phases ask the same. */
  from: number;
  /** Whether every other question was asked before. */
  halfKnown: boolean;
}

export interface LoadResult {
  measuredMs: number;
  /** All jobs, those before and after it was measured too. */
  total: number;
  /** Of the jobs that ended while it was measured: milliseconds from submit to release. */
  latenciesMs: number[];
  /** Jobs by organisation, while it was measured. */
  jobs: Record<string, number>;
  /** Answers other than a release, by what they were. */
  failures: Record<string, number>;
}

const order = JSON.parse(await text(process.stdin)) as LoadOrder;
const pool = new Pool(order.url, { connections: order.clients.length, headersTimeout: 120_000 });
const result: LoadResult = { measuredMs: order.measureMs, total: 0, latenciesMs: [], jobs: {}, failures: {} };
const startMs = performance.now() + order.warmUpMs;
const endMs = startMs + order.measureMs;
const questionOf = order.halfKnown ? halfKnown : queryOf;
let next = order.from;

await Promise.all(order.clients.map(runClient));
await pool.close();
process.stdout.write(JSON.stringify(result));

async function runClient(client: LoadOrder["clients"][number]): Promise<void> {
  while (performance.now() < endMs) {
    const sentMs = performance.now();
    const outcome = await submit(client, questionOf(next++));
    const nowMs = performance.now();
    result.total += 1;
    if (outcome !== "release") result.failures[outcome] = (result.failures[outcome] ?? 0) + 1;
    else if (nowMs >= startMs && nowMs < endMs) note(client.organisation, nowMs - sentMs);
  }
}

function note(organisation: string, ms: number): void {
  result.latenciesMs.push(ms);
  result.jobs[organisation] = (result.jobs[organisation] ?? 0) + 1;
}

async function submit({ organisation, token }: LoadOrder["clients"][number], sql: string): Promise<string> {
  const answer = await pool.request({
    path: "/v1/jobs",
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", prefer: "wait=60" },
    body: JSON.stringify({ scenario: scenarioOf(organisation), image: "sql@1", sql }),
  });
  const body = (await answer.body.json()) as { code?: string; state?: string; egress?: { verdict: string } };
  return answer.statusCode === 200
    ? (body.egress?.verdict ?? "none")
    : `${answer.statusCode} ${body.code ?? body.state}`;
}
