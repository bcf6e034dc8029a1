import { sql } from "kysely";
import { type AuditContext, itemsForLater } from "#audit/index.ts";
import type { JobClass } from "#contract/job.ts";
import type { Quota } from "#contract/scenario.ts";
import { type Clock, localDay } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";
import { writeUse } from "./use.ts";

export interface QuotaQuestion {
  scenario: string;
  quota: Quota;
  class: JobClass;
  /** Whether the job may bring about a release. */
  mayRelease: boolean;
}

/** What a quota counts, at this moment and with what this transaction has added. */
export interface QuotaUse {
  unfinished: number;
  /** Of these, how many may still bring about a release. */
  mayRelease: number;
  jobs: number;
  cpuMs: number;
  releases: number;
}

/** "sluice" and 8, so that no other program's advisory lock is meant by chance. */
const LOCK_KEY = 0x736c_7508;
/** When a job in flight may have ended. */
const SOON_SECONDS = 5;

/**
 * Refuses a job that its scenario's agreement does not cover: `class_not_agreed`, or `quota_exceeded` with the limit and the
 * seconds after which to try again. Exact also between replicas: whoever counts holds a lock until the job is there. A job in
 * flight that may bring about a release counts as one, so that no release is ever one too many.
 */
export async function requireQuota(context: AuditContext, question: QuotaQuestion): Promise<void> {
  const { quota } = question;
  if (quota.classes && !quota.classes.includes(question.class)) {
    throw new AppError("class_not_agreed", undefined, { details: { classes: quota.classes } });
  }
  if ([quota.inFlight, quota.jobs, quota.cpuSeconds, quota.releases].every((limit) => limit === undefined)) return;
  await sql`select pg_advisory_xact_lock(${LOCK_KEY}::bigint)`.execute(context.tx);
  const exceeded = exceededLimit(question, await readUse(context, question));
  if (!exceeded) return;
  throw quotaExceeded(context, quota, exceeded);
}

/**
 * Refuses a request for the egress of a job that has ended when the period's releases are used up. What the policies then send to
 * review is the reviewer's decision, whatever the quota says by then.
 */
export async function requireReleaseQuota(context: AuditContext, scenario: string, quota: Quota): Promise<void> {
  if (quota.releases === undefined) return;
  await sql`select pg_advisory_xact_lock(${LOCK_KEY}::bigint)`.execute(context.tx);
  const { releases, mayRelease } = await readUse(context, { scenario, quota });
  const exceeded = exceededLimit(
    { quota: { releases: quota.releases }, mayRelease: true },
    { unfinished: 0, jobs: 0, cpuMs: 0, releases, mayRelease },
  );
  if (exceeded) throw quotaExceeded(context, quota, exceeded);
}

type Limit = "inFlight" | "jobs" | "cpuSeconds" | "releases";

function quotaExceeded({ clock }: AuditContext, quota: Quota, { limit, untilEnd }: Exceeded): AppError {
  const retryAfterSeconds = untilEnd ? secondsToEnd(clock, quota.period ?? "day") : SOON_SECONDS;
  return new AppError("quota_exceeded", undefined, { details: { limit, allowed: quota[limit], retryAfterSeconds } });
}

interface Exceeded {
  limit: Limit;
  /** Only the period's end helps. */
  untilEnd: boolean;
}

/** The limit that one more job would break, and whether only the period's end helps. Pure. */
export function exceededLimit(
  { quota, mayRelease }: Pick<QuotaQuestion, "quota" | "mayRelease">,
  use: QuotaUse,
): Exceeded | undefined {
  const reached = (limit: Limit, used: number) => quota[limit] !== undefined && used >= quota[limit];
  if (reached("jobs", use.jobs)) return { limit: "jobs", untilEnd: true };
  if (reached("cpuSeconds", use.cpuMs / 1000)) return { limit: "cpuSeconds", untilEnd: true };
  if (mayRelease && reached("releases", use.releases)) return { limit: "releases", untilEnd: true };
  if (mayRelease && reached("releases", use.releases + use.mayRelease)) return { limit: "releases", untilEnd: false };
  if (reached("inFlight", use.unfinished)) return { limit: "inFlight", untilEnd: false };
  return undefined;
}

async function readUse(
  context: AuditContext,
  { scenario, quota }: Pick<QuotaQuestion, "scenario" | "quota">,
): Promise<QuotaUse> {
  const from = firstDay(localDay(context.clock), quota.period ?? "day");
  const { rows } = await sql<Omit<QuotaUse, "cpuMs"> & { cpuMs: number }>`
    select j.unfinished, j."mayRelease", u.jobs::float8 as jobs, u.cpu_ms::float8 as "cpuMs", u.releases::float8 as releases
    from (select count(*)::integer as unfinished,
        (count(*) filter (where request_egress and mode = 'run'))::integer as "mayRelease"
      from jobs where scenario = ${scenario} and state in ('submitted', 'queued', 'leased', 'running')) j,
      (select coalesce(sum(jobs), 0) as jobs, coalesce(sum(cpu_ms), 0) as cpu_ms, coalesce(sum(releases), 0) as releases
      from scenario_use where scenario = ${scenario} and day >= ${from}::date) u`.execute(context.tx);
  const added = itemsForLater(context, writeUse).filter((item) => item.scenario === scenario);
  const use = rows[0]!;
  const sumOf = (name: "jobs" | "releases") => added.reduce((sum, item) => sum + item[name], 0);
  return { ...use, jobs: use.jobs + sumOf("jobs"), releases: use.releases + sumOf("releases") };
}

function firstDay(today: string, period: "day" | "month"): string {
  return period === "day" ? today : `${today.slice(0, 8)}01`;
}

const HOUR_MS = 3_600_000;

/** Until the local day or month is another one; whole seconds, rounded up. Pure. */
export function secondsToEnd(clock: Clock, period: "day" | "month"): number {
  const nameAt = (ms: number) => localDay({ nowMs: () => ms }).slice(0, period === "day" ? 10 : 7);
  const nowMs = clock.nowMs();
  const now = nameAt(nowMs);
  let [before, after] = [nowMs, nowMs + (period === "day" ? 26 : 32 * 24) * HOUR_MS];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (nameAt(middle) === now) before = middle;
    else after = middle;
  }
  return Math.max(1, Math.ceil((after - nowMs) / 1000));
}
