import { type RawBuilder, sql } from "kysely";
import { type AuditContext, writeLater } from "#audit/index.ts";
import { localDay } from "#kernel/clock.ts";
import { decayedUse } from "./decay.ts";

/** What a job adds to what its scenario and organisation have used. */
export interface Use {
  scenario: string;
  organisation: string;
  jobs?: number;
  cpuMs?: number;
  releases?: number;
}

export interface NotedUse extends Required<Use> {
  day: string;
  nowMs: number;
  /** What the organisation counts as having had at least, before this. */
  leastMs: number;
}

/** Written with the transaction's end, one row a scenario and day however many jobs it ends. */
export function noteUse(context: AuditContext, use: Use & { leastMs?: number }): void {
  const none = { jobs: 0, cpuMs: 0, releases: 0, leastMs: 0 };
  writeLater<NotedUse>(context, writeUse, {
    ...none,
    ...use,
    day: localDay(context.clock),
    nowMs: context.clock.nowMs(),
  });
}

/** Writes what transactions noted: exported for who must count what is not written yet. */
export function writeUse(noted: readonly NotedUse[]): RawBuilder<unknown>[] {
  const counted = noted.filter(({ jobs, cpuMs, releases }) => jobs + cpuMs + releases > 0);
  const worked = noted.filter(({ cpuMs, leastMs }) => cpuMs + leastMs > 0);
  return [
    ...(counted.length > 0 ? [scenarioUse(counted)] : []),
    ...(worked.length > 0 ? [organisationUse(worked)] : []),
  ];
}

function scenarioUse(noted: readonly NotedUse[]): RawBuilder<unknown> {
  const rows = JSON.stringify(
    noted.map(({ scenario, day, jobs, cpuMs, releases }) => ({
      scenario,
      day,
      jobs,
      cpu_ms: Math.round(cpuMs),
      releases,
    })),
  );
  return sql`
    insert into scenario_use as u (scenario, day, jobs, cpu_ms, releases)
    select r.scenario, r.day, sum(r.jobs), sum(r.cpu_ms), sum(r.releases)
    from jsonb_to_recordset(cast(${rows} as jsonb)) as r(
      scenario text, day date, jobs bigint, cpu_ms bigint, releases bigint)
    group by r.scenario, r.day
    on conflict (scenario, day) do update set
      jobs = u.jobs + excluded.jobs, cpu_ms = u.cpu_ms + excluded.cpu_ms, releases = u.releases + excluded.releases`;
}

/** Adds to what is left of the use before, or of what counts as such. */
function organisationUse(noted: readonly NotedUse[]): RawBuilder<unknown> {
  const at = new Date(Math.max(...noted.map(({ nowMs }) => nowMs)));
  const rows = JSON.stringify(
    noted.map(({ organisation, cpuMs, leastMs }) => ({ organisation, cpu_ms: cpuMs, least: leastMs })),
  );
  return sql`
    insert into organisation_use as u (organisation, cpu_ms, at)
    select r.organisation, sum(r.cpu_ms) + greatest(max(r.least), max(${decayedUse("b", at)})), ${at}::timestamptz
    from jsonb_to_recordset(cast(${rows} as jsonb)) as r(organisation text, cpu_ms float8, least float8)
    left join organisation_use b on b.organisation = r.organisation
    group by r.organisation
    on conflict (organisation) do update set cpu_ms = excluded.cpu_ms, at = greatest(u.at, excluded.at)`;
}
