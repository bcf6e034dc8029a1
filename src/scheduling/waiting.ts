import { type RawBuilder, sql } from "kysely";
import type { JobClass } from "#contract/job.ts";
import type { Transaction } from "#persistence/index.ts";
import { LEAST_CHARGE_MS, type OrganisationLoad, type WaitingJob } from "./choose-jobs.ts";
import { decayed, decayedUse } from "./decay.ts";

export interface Waiting {
  jobs: WaitingJob[];
  /** Of those that wait, of those that run, and of those that were asked for. */
  loads: OrganisationLoad[];
  /** The most that any organisation has had, for its weight; 0 while one runs. */
  mostHadMs: number;
  /** All runners that were ever seen; unknown when nothing waits. */
  runners: SeenRunner[];
}

export interface SeenRunner {
  name: string;
  state: "active" | "paused" | "draining";
  warm: string[];
  seenAtMs: number;
}

interface Row extends Partial<JobColumns> {
  organisation: string;
  weight: number;
  recent_ms: number | null;
  used_at: Date | null;
  running: number;
  running_ms: number;
  /** In the first row only. */
  runners: SeenRunner[] | null;
  most_ms: number | null;
}

interface JobColumns {
  id: string;
  scenario: string;
  class: JobClass;
  submitted_at: Date;
}

/** More than a claim takes: among them is one whose engine is warm, if there is any. */
const MORE = 4;

/**
 * The oldest waiting jobs of each organisation and class, what each of these organisations, and those in `also`, has now, and the runners; one
 * statement that reads a few rows of the queue however long it is (the first entry of each organisation and class is jumped to).
 */
export async function readWaiting(
  tx: Transaction,
  { places, nowMs, also }: { places: number; nowMs: number; also: readonly string[] },
): Promise<Waiting> {
  const now = new Date(nowMs);
  const { rows } = await sql<Row>`
    with recursive heads as (
      (select organisation, class from jobs where state = 'queued' order by organisation, class limit 1)
      union all
      (select n.organisation, n.class from heads h cross join lateral (
        select j.organisation, j.class from jobs j
        where j.state = 'queued' and (j.organisation, j.class) > (h.organisation, h.class)
        order by j.organisation, j.class limit 1) n)
    ),
    loads as materialized (
      select d.organisation, coalesce(o.weight, 1) as weight, u.cpu_ms as recent_ms, u.at as used_at, r.*
      from (select organisation from heads
        union select organisation from jobs where state in ('leased', 'running') and exists (select from heads)
        union select unnest(${also}::text[]) where exists (select from heads)) d
      left join organisations o on o.id = d.organisation
      left join organisation_use u on u.organisation = d.organisation
      left join lateral (
        ${runningOf(now)}) r on true
    )
    select q.id, l.organisation, q.scenario, h.class, q.submitted_at, l.weight, l.recent_ms, l.used_at, l.running,
      l.running_ms, case when row_number() over () = 1 then (
        select jsonb_agg(jsonb_build_object('name', n.name, 'state', n.state, 'warm', n.warm,
          'seenAtMs', floor(extract(epoch from n.last_seen_at) * 1000))) from runners n) end as runners,
      case when row_number() over () = 1 then ${mostHad(now)} end as most_ms
    from loads l
    left join heads h on h.organisation = l.organisation
    left join lateral (
      select j.id, j.scenario, j.submitted_at from jobs j
      where j.state = 'queued' and j.organisation = h.organisation and j.class = h.class
      order by j.submitted_at, j.id limit ${places + MORE}) q on true`.execute(tx);
  const loads = new Map(rows.map((row) => [row.organisation, loadOf(row, nowMs)]));
  const runners = rows.flatMap((row) => row.runners ?? []);
  const mostHadMs = rows.find(({ most_ms: most }) => most !== null)?.most_ms ?? 0;
  return { jobs: rows.filter(isJob).map(jobOf), loads: [...loads.values()], mostHadMs, runners };
}

/** Of the organisation `d`. */
function runningOf(now: Date): RawBuilder<unknown> {
  return sql`
    select count(*)::integer as running, coalesce(sum(greatest(${LEAST_CHARGE_MS}::float8,
      extract(epoch from (${now}::timestamptz - coalesce(a.started_at, ${now}::timestamptz))) * 1000)), 0)::float8 as running_ms
    from jobs a where a.organisation = d.organisation and a.state in ('leased', 'running')`;
}

/** Of all organisations; not looked for while one runs. */
function mostHad(now: Date): RawBuilder<unknown> {
  return sql`(
    select max(${decayedUse("u", now)} / coalesce(o.weight, 1))
    from organisation_use u left join organisations o on o.id = u.organisation
    where not exists (select from jobs where state in ('leased', 'running')))`;
}

/** One that only runs has a row without a job. */
function isJob(row: Row): row is Row & JobColumns {
  return typeof row.id === "string";
}

function jobOf({ id, organisation, scenario, class: jobClass, submitted_at }: Row & JobColumns): WaitingJob {
  return { id, organisation, scenario, class: jobClass, submittedAtMs: submitted_at.getTime() };
}

function loadOf(
  { organisation, weight, recent_ms, used_at, running, running_ms }: Row,
  nowMs: number,
): OrganisationLoad {
  const recentMs = recent_ms === null || used_at === null ? 0 : decayed(recent_ms, nowMs - used_at.getTime());
  return { organisation, weight, recentMs, usedAtMs: used_at?.getTime(), running, runningMs: running_ms };
}
