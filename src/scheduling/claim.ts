import { type Selectable, sql } from "kysely";
import { type AuditContext, itemsForLater, recordLater } from "#audit/index.ts";
import type { JobClass } from "#contract/job.ts";
import { LOCAL_RUNNER } from "#contract/node.ts";
import { createId } from "#kernel/ids.ts";
import type { JobRow, Transaction } from "#persistence/index.ts";
import { batchPlacesOf, type Choice, chooseJobs, type FreePlace, type OrganisationLoad } from "./choose-jobs.ts";
import { noteUse, type NotedUse, writeUse } from "./use.ts";
import { readWaiting, type Waiting } from "./waiting.ts";

type Job = Selectable<JobRow>;

/** What a runner has, as it says itself; what it does not say is no limit. */
export interface ClaimOptions {
  runner: string;
  leaseMs: number;
  /** Free places. */
  limit: number;
  /** All places, and how many of them batch jobs have now. */
  places?: number | undefined;
  runningBatch?: number | undefined;
  freeMemoryBytes?: number | undefined;
  warm?: readonly string[] | undefined;
  /** Memory of a job by its class. */
  memoryBytes?: Readonly<Record<JobClass, number>>;
}

export interface Claim {
  jobs: Job[];
  /** Look again after this: something waits that is left to a warmer runner for now. */
  againInMs: number | undefined;
  /** Jobs were chosen, and others took them first. */
  outrun: boolean;
}

/** A runner that said nothing for this long keeps no work waiting for it. */
const SEEN_WITHIN_MS = 60_000;

/**
 * Takes waiting jobs for a runner, in the order of `chooseJobs`, in one statement; rows that another claimer holds are skipped.
 * A runner that is paused or draining gets none.
 */
export async function claimJobs(context: AuditContext, options: ClaimOptions): Promise<Claim> {
  const nowMs = context.clock.nowMs();
  const none: Claim = { jobs: [], againInMs: undefined, outrun: false };
  const late = itemsForLater(context, writeUse).filter(({ cpuMs, leastMs }) => cpuMs + leastMs > 0);
  const also = [...new Set(late.map(({ organisation }) => organisation))];
  const waiting = await readWaiting(context.tx, { places: options.limit, nowMs, also });
  if (waiting.jobs.length === 0) return none;
  const place = placeOf(waiting, options, nowMs);
  if (!place) return none;
  const { jobs: chosen, againInMs, lifts } = chooseJobs(waiting.jobs, withLateUse(waiting.loads, late), place);
  if (chosen.length === 0) return { ...none, againInMs };
  if (!options.runner.startsWith(LOCAL_RUNNER) && (await isRevoked(context.tx, options.runner))) return none;
  const jobs = await leaseJobs(context, chosen, options);
  for (const { organisation, leastMs } of lifts) {
    const { scenario } = waiting.jobs.find((job) => job.organisation === organisation)!;
    noteUse(context, { scenario, organisation, leastMs });
  }
  return { jobs, againInMs, outrun: jobs.length === 0 };
}

/** With what jobs have used that ended in this same transaction: it is written with its end only. */
function withLateUse(loads: readonly OrganisationLoad[], late: readonly NotedUse[]): OrganisationLoad[] {
  return loads.map((load) => {
    const own = late.filter(({ organisation }) => organisation === load.organisation);
    if (own.length === 0) return load;
    const recentMs = Math.max(load.recentMs, ...own.map(({ leastMs }) => leastMs));
    return { ...load, recentMs: own.reduce((sum, { cpuMs }) => sum + cpuMs, recentMs), usedAtMs: own.at(-1)!.nowMs };
  });
}

/**
 * Whether it is a node that may not work any more, although it could when it asked: it may have waited since. No node has the
 * name of a local runner. INVARIANT: its row is held until the commit, so that a revocation finds what was leased before it.
 */
async function isRevoked(tx: Transaction, runner: string): Promise<boolean> {
  const query = tx.selectFrom("runner_nodes").select("state").where("name", "=", runner).forShare();
  const node = await query.executeTakeFirst();
  return node !== undefined && node.state !== "enrolled";
}

/** What is free there; undefined for a runner that takes no work. */
function placeOf({ runners, mostHadMs }: Waiting, options: ClaimOptions, nowMs: number): FreePlace | undefined {
  const own = runners.find(({ name }) => name === options.runner);
  if (own && own.state !== "active") return undefined;
  const others = runners.filter(({ name, state, seenAtMs }) => {
    return name !== options.runner && state === "active" && seenAtMs > nowMs - SEEN_WITHIN_MS;
  });
  const { limit, places = limit, runningBatch = 0, freeMemoryBytes = Number.POSITIVE_INFINITY, warm = [] } = options;
  return {
    nowMs,
    mostHadMs,
    places: limit,
    batchPlaces: batchPlacesOf(places) - runningBatch,
    freeMemoryBytes,
    memoryBytes: options.memoryBytes ?? { interactive: 0, batch: 0 },
    warm: new Set(warm),
    warmElsewhere: new Set(others.flatMap((runner) => runner.warm)),
  };
}

async function leaseJobs(
  context: AuditContext,
  chosen: Choice["jobs"],
  { runner, leaseMs }: ClaimOptions,
): Promise<Job[]> {
  const nowMs = context.clock.nowMs();
  const ids = chosen.map(({ id }) => id);
  const leases = ids.map(() => createId("lease", nowMs));
  const leased = await context.tx
    .with("taken", (db) =>
      db.selectFrom("jobs").select("id").where("id", "in", ids).where("state", "=", "queued").forUpdate().skipLocked(),
    )
    .updateTable("jobs")
    .from("taken")
    .from(
      sql<{ id: string; lease: string }>`unnest(${ids}::text[], ${leases}::text[])`.as<"given">(sql`given(id, lease)`),
    )
    .set(({ eb, ref }) => ({
      state: "leased",
      lease: ref("given.lease"),
      runner,
      lease_expires_at: new Date(nowMs + leaseMs),
      attempts: eb("jobs.attempts", "+", 1),
    }))
    .whereRef("jobs.id", "=", "taken.id")
    .whereRef("given.id", "=", "taken.id")
    .returningAll("jobs")
    .execute();
  const jobs = leased.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
  for (const { id, lease, attempts } of jobs) {
    const detail = { runner, lease, attempt: attempts };
    recordLater(context, { action: "job.leased", subject: { kind: "job", id }, detail });
  }
  return jobs;
}
