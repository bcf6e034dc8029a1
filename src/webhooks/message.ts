import type { AuditEntry } from "#contract/audit.ts";
import { WEBHOOK_EVENT_NAMES, WEBHOOK_EVENTS, type WebhookEvent, type WebhookMessage } from "#contract/webhook.ts";
import type { Database } from "#persistence/index.ts";

const EVENT_OF: ReadonlyMap<string, WebhookEvent> = new Map(
  WEBHOOK_EVENT_NAMES.flatMap((event) => WEBHOOK_EVENTS[event].map((action) => [action, event] as const)),
);

export function actionsOf(events: readonly WebhookEvent[]): string[] {
  return events.flatMap((event) => [...WEBHOOK_EVENTS[event]]);
}

/**
 * The message that tells of an entry: the same in every attempt, because it is made of the entry and of columns that
 * never change. Its identifier follows from the entry's hash: after a restore a number may come again, a hash does not.
 */
export async function messageOf(db: Database, entry: AuditEntry): Promise<WebhookMessage> {
  const type = EVENT_OF.get(entry.action);
  if (type === undefined) throw new Error(`nobody is told of ${entry.action}`);
  const id = `evt_${entry.hash.slice("sha256:".length, "sha256:".length + 32)}`;
  return { type, id, at: entry.at, entry: entry.seq, data: await dataOf(db, entry, type) };
}

type Data = Record<string, unknown>;

async function dataOf(db: Database, entry: AuditEntry, type: WebhookEvent): Promise<Data> {
  const { id } = entry.subject;
  const outcome = entry.action.slice(entry.action.indexOf(".") + 1);
  switch (type) {
    case "job.ended":
      return { ...(await jobData(db, id)), state: outcome, ...pick(entry, ["reasonCode"]) };
    case "egress.decided":
      return { ...(await requestData(db, id)), decision: outcome, ...pick(entry, ["verdict"]) };
    case "release.made":
      return { ...(await releaseData(db, id)), ...pick(entry, ["verdict", "recipients", "digest"]) };
    case "release.ended":
      return { ...(await releaseData(db, id)), how: outcome };
    case "filing.submitted":
    case "filing.decided":
      return { filing: id, state: outcome, ...(await filingData(db, id)) };
    case "alarm.raised":
      return { alarm: id, ...(await alarmData(db, id)), ...pick(entry, ["rule", "count"]) };
  }
}

function pick({ detail }: AuditEntry, names: readonly string[]): Data {
  return Object.fromEntries(names.filter((name) => detail[name] !== undefined).map((name) => [name, detail[name]]));
}

async function jobData(db: Database, id: string): Promise<Data> {
  const job = db.selectFrom("jobs").select(["id as job", "scenario", "organisation"]);
  return job.where("id", "=", id).executeTakeFirstOrThrow();
}

async function requestData(db: Database, id: string): Promise<Data> {
  const request = db.selectFrom("egress_requests").select(["id as request", "job", "scenario", "organisation"]);
  return request.where("id", "=", id).executeTakeFirstOrThrow();
}

async function releaseData(db: Database, id: string): Promise<Data> {
  const release = db.selectFrom("releases").select(["id as release", "request", "job", "scenario", "organisation"]);
  return release.where("id", "=", id).executeTakeFirstOrThrow();
}

async function filingData(db: Database, id: string): Promise<Data> {
  const filing = db.selectFrom("filings").select(["kind", "scenario", "number", "content_digest as contentDigest"]);
  return filing.where("id", "=", id).executeTakeFirstOrThrow();
}

async function alarmData(db: Database, id: string): Promise<Data> {
  const alarm = db.selectFrom("security_alarms").select(["organisation", "scenario"]);
  return alarm.where("id", "=", id).executeTakeFirstOrThrow();
}
