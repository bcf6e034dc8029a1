import { sql } from "kysely";
import type { AlarmRule, SecurityThresholds } from "#contract/security.ts";
import type { Transaction } from "#persistence/index.ts";
import type { EventDraft, EventPlace } from "./event-draft.ts";

/** A rule over events: which concern it, whose they are, and how many there have been. */
export interface Rule {
  rule: AlarmRule;
  /** Undefined: the first event is enough. */
  threshold: keyof SecurityThresholds | undefined;
  /** The source whose events are counted together; undefined for events that the rule does not look at. */
  sourceOf(draft: EventDraft): string | undefined;
  /** Events of the source since then. */
  count(tx: Transaction, source: string, since: Date): Promise<number>;
}

/** Ends that a limit brought about, and not somebody who cancelled. */
const LIMIT_WORDS = ["wall_time", "cpu_time", "memory", "processes", "kernel"];

export const RULES: readonly Rule[] = [
  {
    rule: "escape_attempted",
    threshold: undefined,
    sourceOf: (draft) => (draft.kind === "escape.attempted" ? (draft.scenario ?? draft.runner) : undefined),
    count: async () => 1,
  },
  refusalRule({ rule: "repeated_blocks", basis: "data" }),
  refusalRule({ rule: "repeated_refusals", basis: "form" }),
  {
    rule: "repeated_kills",
    threshold: "repeated_kills",
    sourceOf: (draft) => (endsByLimit(draft) ? draft.organisation : undefined),
    // a job that hits its limit may be told of twice: by the limit and by the process
    count: async (tx, source, since) =>
      countRows(
        tx,
        sql`select count(distinct job) as n from security_events
          where organisation = ${source} and at > ${since} and severity >= 1
            and kind in ('process.killed', 'limit.hit')
            and coalesce(details ->> 'by', details ->> 'limit') = any(${LIMIT_WORDS})`,
      ),
  },
  {
    rule: "repeated_access_refusals",
    threshold: "repeated_access_refusals",
    sourceOf: (draft) => (draft.kind === "access.refused" ? callerOf(draft.details, draft) : undefined),
    count: async (tx, source, since) =>
      countRows(
        tx,
        sql`select coalesce(sum((details ->> 'count')::integer), 0) as n from security_events
          where kind = 'access.refused' and at > ${since} and severity >= 1
            and coalesce(organisation || '/' || (details ->> 'subject'), details ->> 'address', '') = ${source}`,
      ),
  },
];

/** How many events a draft stands for. */
export function weightOf(draft: EventDraft): number {
  return draft.kind === "access.refused" ? draft.details.count : 1;
}

/** Whom an alarm concerns: never more than all of its events share. */
export function placeOfSource({ rule }: Rule, draft: EventDraft): EventPlace {
  if (rule === "repeated_kills" || rule === "repeated_access_refusals") return { organisation: draft.organisation };
  return { organisation: draft.organisation, scenario: draft.scenario };
}

function refusalRule(options: { rule: "repeated_blocks" | "repeated_refusals"; basis: string }): Rule {
  const { rule, basis } = options;
  return {
    rule,
    threshold: rule,
    sourceOf: (draft) =>
      draft.kind === "statement.refused" && draft.details.basis === basis ? draft.scenario : undefined,
    count: async (tx, source, since) =>
      countRows(
        tx,
        sql`select count(*) as n from security_events
          where kind = 'statement.refused' and at > ${since} and severity >= 1 and scenario = ${source}
            and details ->> 'basis' = ${basis}`,
      ),
  };
}

function endsByLimit(draft: EventDraft): boolean {
  if (draft.kind === "process.killed") return LIMIT_WORDS.includes(draft.details.by);
  return draft.kind === "limit.hit" && LIMIT_WORDS.includes(draft.details.limit);
}

function callerOf({ subject, address }: { subject?: string; address?: string }, { organisation }: EventPlace): string {
  return subject !== undefined && organisation !== undefined ? `${organisation}/${subject}` : (address ?? "");
}

async function countRows(tx: Transaction, query: ReturnType<typeof sql>): Promise<number> {
  const { rows } = await query.execute(tx);
  return Number((rows[0] as { n: number | string } | undefined)?.n ?? 0);
}
