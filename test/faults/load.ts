/** Developers who go on whatever happens: each submits until it is acknowledged and asks until it has the result. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ClientError, isSettled, type Client } from "#client/index.ts";
import type { JobView } from "#contract/job.ts";
import type { ReleasedTable } from "#contract/release.ts";
import { isAppError } from "#kernel/errors.ts";
import { soakJob, type SoakJob } from "../soak/mix.ts";
import type { Target } from "./target.ts";

export interface Load {
  /** Jobs that were acknowledged → what became of them. */
  readonly ended: Map<string, JobView>;
  readonly acknowledged: Set<string>;
  /** Jobs that a test submitted beside them. */
  readonly others: Set<string>;
  readonly wrong: string[];
  /** Codes that callers were refused with meanwhile, and how often. */
  readonly refusals: Map<string, number>;
  /** Lets everybody finish what was begun. */
  finish(): Promise<void>;
}

/** What a caller may be told while something is down: come again. Anything else is a defect. */
const PATIENCE = new Set([
  "unreachable",
  "timed_out",
  "database_unavailable",
  "runner_unavailable",
  "shutting_down",
  "storage_full",
  "queue_full",
  "idempotency_in_progress",
]);
/**
 * A job that lost its process or its runner says so; it never ends with anything else. `memory_limit`: the kernel uses
 * SIGKILL too when a machine's memory is used up, and from outside the two look alike.
 */
const UNLUCKY: readonly string[] = ["crashed", "memory_limit", "runner_lost", "runner_fault"];
const GIVE_UP_MS = 600_000;
const SECOND_MS = 1_000;

export function startLoad(target: Target, lanes: number): Load {
  const over = new AbortController();
  let next = 0;
  const state = {
    ended: new Map<string, JobView>(),
    acknowledged: new Set<string>(),
    others: new Set<string>(),
    wrong: [] as string[],
    refusals: new Map<string, number>(),
  };
  const lane = async () => {
    while (!over.signal.aborted) {
      const job = honestJob(next++);
      try {
        await runJob(target, job, state);
      } catch (error) {
        state.wrong.push(`${job.name}: ${describe(error)}`);
      }
    }
  };
  const running = Promise.all(Array.from({ length: lanes }, lane));
  return {
    ...state,
    finish: async () => {
      over.abort();
      await running;
    },
  };
}

type State = Omit<Load, "finish">;

/** The mix of the soak without its hostile third. */
function honestJob(n: number): SoakJob {
  return soakJob(Math.floor(n / 2) * 3 + (n % 2));
}

async function runJob(target: Target, job: SoakJob, state: State): Promise<void> {
  const idempotencyKey = randomUUID();
  const { id } = await insist(target, state, async (acme) => acme.jobs.submit(job.spec, { idempotencyKey }));
  state.acknowledged.add(id);
  const view = await insist(target, state, async (acme) => {
    const seen = await acme.jobs.get(id);
    return isSettled(seen) ? seen : undefined;
  });
  state.ended.set(id, view);
  if (view.state === "failed") {
    if (!UNLUCKY.includes(view.reasonCode ?? "")) state.wrong.push(`${job.name} (${id}) failed: ${view.reasonCode}`);
    return;
  }
  const { releaseId } = view.egress;
  if (releaseId === undefined) {
    state.wrong.push(`${job.name} (${id}) was not released: ${view.state}, ${view.egress.verdict}`);
    return;
  }
  const rows = await insist(target, state, async (acme) => readRows(acme, releaseId));
  if (JSON.stringify(rows) !== JSON.stringify(job.rows))
    state.wrong.push(`${job.name} (${id}): ${JSON.stringify(rows)}`);
}

async function readRows(acme: Client, release: string): Promise<string[][]> {
  const table = (await (await acme.releases.content(release, "json")).json()) as ReleasedTable;
  return table.rows.map((row) => row.map(String)).toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1));
}

/** Asks again until there is an answer; an answer that is no refusal to come again is thrown. */
async function insist<T>(
  target: Target,
  { refusals }: State,
  ask: (acme: Client) => Promise<T | undefined>,
): Promise<T> {
  const end = Date.now() + GIVE_UP_MS;
  while (Date.now() < end) {
    try {
      const answer = await ask(await target.client("acme", "developer"));
      if (answer !== undefined) return answer;
    } catch (error) {
      const code = codeOf(error);
      if (!PATIENCE.has(code)) throw error;
      refusals.set(code, (refusals.get(code) ?? 0) + 1);
    }
    await sleep(SECOND_MS / 5);
  }
  throw new Error(`there was no answer within ${GIVE_UP_MS / SECOND_MS} s`);
}

function codeOf(error: unknown): string {
  if (error instanceof ClientError || isAppError(error)) return error.code;
  // a body that broke off under its reader
  return error instanceof TypeError ? "unreachable" : "unforeseen";
}

function describe(error: unknown): string {
  return error instanceof Error ? `${codeOf(error)} ${error.message}` : String(error);
}
