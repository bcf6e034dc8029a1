import { type AuditContext, recordLater } from "#audit/index.ts";
import { EGRESS_TRANSITIONS } from "#contract/egress.ts";

export interface EgressTerms {
  /** Days that a request waits for people, and days that a release is served. */
  reviewDays: number;
  releaseDays: number;
}

const BATCH = 200;
const DAY_MS = 86_400_000;
const ENDED = ["expired", "terminated", "cleaned", "closed"] as const;

/**
 * Ends requests that nobody decided on in time or whose scenario has ended, and releases whose time is over. Answers
 * whether there may be more.
 */
export async function expireEgress(context: AuditContext, terms: EgressTerms): Promise<boolean> {
  const requests = await expireRequests(context, terms.reviewDays);
  const releases = await expireReleases(context, terms.releaseDays);
  return requests === BATCH || releases === BATCH;
}

async function expireRequests({ tx, clock, ...by }: AuditContext, days: number): Promise<number> {
  const before = new Date(clock.nowMs() - days * DAY_MS);
  const waiting = EGRESS_TRANSITIONS["expire"]!.from.filter((state) => state !== "released");
  const due = tx
    .selectFrom("egress_requests as e")
    .innerJoin("scenarios as s", "s.id", "e.scenario")
    .select("e.id")
    .where("e.state", "in", waiting)
    .where(({ or, eb }) => or([eb("e.updated_at", "<", before), eb("s.state", "in", ENDED)]))
    .orderBy("e.id")
    .limit(BATCH)
    .forUpdate("e")
    .skipLocked();
  const rows = await due.execute();
  for (const { id } of rows) {
    const expired = { state: "expired" as const, updated_at: new Date(clock.nowMs()) };
    const { job } = await tx
      .updateTable("egress_requests")
      .set(expired)
      .where("id", "=", id)
      .returning("job")
      .executeTakeFirstOrThrow();
    recordLater(
      { tx, clock, ...by },
      { action: "egress.expired", subject: { kind: "egress_request", id }, detail: { job } },
    );
  }
  return rows.length;
}

async function expireReleases({ tx, clock, ...by }: AuditContext, days: number): Promise<number> {
  const now = new Date(clock.nowMs());
  const rows = await tx
    .selectFrom("releases")
    .select(["id", "request"])
    .where("state", "=", "released")
    .where("released_at", "<", new Date(clock.nowMs() - days * DAY_MS))
    .orderBy("id")
    .limit(BATCH)
    .forUpdate()
    .skipLocked()
    .execute();
  for (const { id, request } of rows) {
    await tx.updateTable("releases").set({ state: "expired", expired_at: now }).where("id", "=", id).execute();
    await tx
      .updateTable("egress_requests")
      .set({ state: "expired", updated_at: now })
      .where("id", "=", request)
      .execute();
    const subject = { kind: "release", id };
    recordLater({ tx, clock, ...by }, { action: "release.expired", subject, detail: { request } });
  }
  return rows.length;
}
