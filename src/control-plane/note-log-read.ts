import { type AuditContext, record } from "#audit/index.ts";
import { readOutcomes } from "#egress/index.ts";
import { getJob, jobLog } from "#jobs/index.ts";
import { noteUse } from "#scheduling/index.ts";
import { requireReleases } from "./require-releases.ts";

/**
 * The first look of its owner at the log of a job that led to no release: the text leaves then, so it is in the audit log and
 * counts as a release. INVARIANT: the entry is durable before the text is sent. Throws `quota_exceeded`. What was released
 * covers its log, and a script that was given nothing has nothing to tell.
 */
export async function noteLogRead(context: AuditContext, id: string): Promise<void> {
  const { tx, clock } = context;
  const { scenario, organisation, facts } = await getJob(tx, id);
  if (facts !== null && facts.products.length === 0 && facts.cells === 0) return;
  if ((await jobLog(tx, id, { after: 0, limit: 1 })).length === 0) return;
  if ((await readOutcomes(tx, [id])).get(id)?.releaseId !== undefined) return;
  const first = await tx
    .updateTable("jobs")
    .set({ log_read_at: new Date(clock.nowMs()) })
    .where("id", "=", id)
    .where("log_read_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  if (!first) return;
  await requireReleases(context, { scenario, organisation });
  noteUse(context, { scenario, organisation, releases: 1 });
  await record(context, { action: "job.log_read", subject: { kind: "job", id }, detail: { scenario } });
}
