import { type AuditContext, record } from "#audit/index.ts";
import { ALARM_RULES, type SecurityThresholds } from "#contract/security.ts";
import { createId } from "#kernel/ids.ts";
import { placeOfSource, type Rule, RULES, weightOf } from "./alarm-rules.ts";
import type { EventDraft } from "./event-draft.ts";
import { insertEvents } from "./insert-events.ts";
import { suspendBySystem } from "./suspend.ts";

const MINUTE_MS = 60_000;

/** What one source has done in this transaction that a rule looks at. */
interface Stream {
  rule: Rule;
  source: string;
  drafts: EventDraft[];
}

/**
 * Looks at freshly written events. An alarm stays open until somebody acknowledges it, and takes up what follows:
 * one stream of events makes one alarm. After that the count starts anew.
 */
export async function raiseAlarms(
  context: AuditContext,
  thresholds: SecurityThresholds,
  drafts: readonly EventDraft[],
): Promise<EventDraft[]> {
  const events: EventDraft[] = [];
  for (const stream of streamsOf(drafts)) {
    if (await joinOpenAlarm(context, stream)) continue;
    const count = await countStream(context, thresholds, stream);
    if (count === undefined) continue;
    const suspends = stream.rule.rule === "repeated_blocks" && thresholds.repeated_blocks.suspends;
    events.push(...(await raise(context, stream, { count, suspends })));
  }
  return events;
}

/** Whether any rule counts one of them. */
export function concernsRules(drafts: readonly EventDraft[]): boolean {
  return drafts.some((draft) => RULES.some((rule) => rule.sourceOf(draft) !== undefined));
}

function streamsOf(drafts: readonly EventDraft[]): Stream[] {
  const streams = new Map<string, Stream>();
  for (const draft of drafts) {
    for (const rule of RULES) {
      const source = rule.sourceOf(draft);
      if (source === undefined) continue;
      const key = `${rule.rule} ${source}`;
      const stream = streams.get(key) ?? { rule, source, drafts: [] };
      streams.set(key, stream);
      stream.drafts.push(draft);
    }
  }
  return [...streams.values()];
}

/** An alarm that is open already counts further; its row is the lock against a second one. */
async function joinOpenAlarm({ tx }: AuditContext, { rule, source, drafts }: Stream): Promise<boolean> {
  const joined = await tx
    .updateTable("security_alarms")
    .set(({ eb }) => ({ count: eb("count", "+", weigh(drafts)), last_at: new Date(lastMs(drafts)) }))
    .where("rule", "=", rule.rule)
    .where("source", "=", source)
    .where("state", "=", "open")
    .returning("id")
    .executeTakeFirst();
  return joined !== undefined;
}

/** The number of events, when it is enough for an alarm. */
async function countStream(
  { tx, clock }: AuditContext,
  thresholds: SecurityThresholds,
  { rule, source, drafts }: Stream,
): Promise<number | undefined> {
  if (rule.threshold === undefined) return weigh(drafts);
  const { count: least, windowMinutes } = thresholds[rule.threshold];
  const closed = await tx
    .selectFrom("security_alarms")
    .select(({ fn }) => fn.max("acknowledged_at").as("at"))
    .where("rule", "=", rule.rule)
    .where("source", "=", source)
    .where("state", "=", "acknowledged")
    .executeTakeFirst();
  const windowMs = clock.nowMs() - windowMinutes.value * MINUTE_MS;
  const count = await rule.count(tx, source, new Date(Math.max(windowMs, closed?.at?.getTime() ?? 0)));
  return count >= least.value ? count : undefined;
}

async function raise(
  context: AuditContext,
  { rule, source, drafts }: Stream,
  { count, suspends }: { count: number; suspends: boolean },
): Promise<EventDraft[]> {
  const nowMs = context.clock.nowMs();
  const id = createId("alarm", nowMs);
  const place = placeOfSource(rule, drafts[0]!);
  const text = `${ALARM_RULES[rule.rule]}: ${source}, ${count}`;
  const bySystem: AuditContext = { ...context, actor: { kind: "system", id: "security" } };
  await insertAlarm(context, { id, rule, source, count, text, place, lastMs: lastMs(drafts) });
  await record(bySystem, {
    action: "alarm.raised",
    subject: { kind: "alarm", id },
    detail: { rule: rule.rule, source, count },
  });
  const details = { alarm: id, rule: rule.rule, count };
  const event: EventDraft = { ...place, kind: "alarm.raised", atMs: nowMs, text, details };
  await insertEvents(context.tx, [event]);
  const scenario = suspends ? place.scenario : undefined;
  const stopped = scenario === undefined ? [] : await suspendBySystem(bySystem, { scenario, alarm: id, text });
  return [event, ...stopped];
}

interface NewAlarm {
  id: string;
  rule: Rule;
  source: string;
  count: number;
  text: string;
  place: Pick<EventDraft, "organisation" | "scenario">;
  lastMs: number;
}

async function insertAlarm({ tx, clock }: AuditContext, alarm: NewAlarm): Promise<void> {
  const { id, rule, source, count, text, place } = alarm;
  await tx
    .insertInto("security_alarms")
    .values({
      id,
      rule: rule.rule,
      source,
      organisation: place.organisation ?? null,
      scenario: place.scenario ?? null,
      state: "open",
      text,
      count,
      raised_at: new Date(clock.nowMs()),
      last_at: new Date(alarm.lastMs),
      suspension: null,
      acknowledged_at: null,
      acknowledged_by: null,
      comment: null,
    })
    .execute();
}

function weigh(drafts: readonly EventDraft[]): number {
  return drafts.reduce((sum, draft) => sum + weightOf(draft), 0);
}

function lastMs(drafts: readonly EventDraft[]): number {
  return Math.max(...drafts.map(({ atMs }) => atMs));
}
