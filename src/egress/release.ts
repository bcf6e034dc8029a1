import { type RawBuilder, type Selectable, sql } from "kysely";
import { type AuditContext, type AuditEvent, record, recordLater, writeLater } from "#audit/index.ts";
import { EGRESS_TRANSITIONS } from "#contract/egress.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import type { Schema } from "#persistence/index.ts";
import { noteUse } from "#scheduling/index.ts";

/**
 * Turns an approved request into a release. Its rows become visible with the same commit that makes the audit
 * entry durable, so nothing can be read before its entry stands.
 */
export async function releaseRequest(context: AuditContext, requestId: string): Promise<string> {
  const request = await context.tx
    .selectFrom("egress_requests")
    .selectAll()
    .where("id", "=", requestId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (!EGRESS_TRANSITIONS["release"]!.from.includes(request.state)) throw new AppError("invalid_transition");
  const id = await makeRelease(context, request);
  const released = { state: "released" as const, updated_at: new Date(context.clock.nowMs()) };
  await context.tx.updateTable("egress_requests").set(released).where("id", "=", requestId).execute();
  return id;
}

/** An output of a job with the objects that it is kept in. */
export type ReleasableOutput = Pick<
  Selectable<Schema["job_outputs"]>,
  "name" | "descriptor" | "quarantine_object" | "release_object"
>;

/** Writes the release of a request and its audit entry; `known` are the job's outputs, when the caller has them. */
export async function makeRelease(
  context: AuditContext,
  request: RequestRow,
  known?: readonly ReleasableOutput[],
): Promise<string> {
  const rows = known ?? (await readOutputs(context, request.job));
  const outputs = releasableOutputs(rows, request.facts.label);
  const id = createId("release", context.clock.nowMs());
  const digest = sha256(canonicalJson(outputs.map(({ name, object, kind }) => ({ name, kind, object }))));
  const release = { id, digest, outputs };
  const { scenario, organisation } = request;
  noteUse(context, { scenario, organisation, releases: 1 });
  // its rows name the number of the entry, which it has when the transaction ends
  recordLater(context, releaseEvent(request, release), (auditEntry) =>
    writeLater(context, writeReleases, releaseRows(context, request, { ...release, auditEntry })),
  );
  return id;
}

type RequestRow = Selectable<Schema["egress_requests"]>;

interface NewRelease {
  id: string;
  digest: string;
  outputs: ReturnType<typeof releasableOutputs>;
}

function releaseEvent(request: RequestRow, { id, digest, outputs }: NewRelease): AuditEvent {
  return {
    action: "egress.released",
    subject: { kind: "release", id },
    detail: {
      request: request.id,
      job: request.job,
      scenario: request.scenario,
      verdict: request.verdict,
      opinion: request.opinion_number,
      recipients: request.recipients,
      digest,
      outputs: outputs.map(({ name, object }) => ({ name, object })),
    },
  };
}

/** A release and its outputs, as columns of their tables. */
interface ReleaseRows {
  release: object;
  outputs: object[];
}

function releaseRows(
  { clock }: AuditContext,
  request: RequestRow,
  { id, digest, outputs, auditEntry }: NewRelease & { auditEntry: number },
): ReleaseRows {
  const { job, scenario, organisation, verdict, product_type, recipients, findings } = request;
  const notes = findings
    .filter(({ effect }) => effect === "suppress" || effect === "transform")
    .map(({ rule, message }) => ({ rule, message }));
  const released_at = new Date(clock.nowMs()).toISOString();
  const row = { id, request: request.id, job, scenario, organisation, verdict, product_type, recipients, digest };
  return {
    release: { ...row, audit_entry: auditEntry, released_at },
    outputs: outputs.map(({ name, object, descriptor }, position) => {
      return { release: id, position, name, object, descriptor, notes };
    }),
  };
}

function writeReleases(kept: readonly ReleaseRows[]): RawBuilder<unknown>[] {
  const releases = JSON.stringify(kept.map(({ release }) => release));
  const outputs = JSON.stringify(kept.flatMap((each) => each.outputs));
  return [
    sql`
      insert into releases (id, request, job, scenario, organisation, verdict, product_type, recipients, digest, state,
        audit_entry, released_at)
      select id, request, job, scenario, organisation, verdict, product_type, recipients, digest, 'released',
        audit_entry, released_at
      from jsonb_to_recordset(cast(${releases} as jsonb)) as r(id text, request text, job text, scenario text,
        organisation text, verdict text, product_type text, recipients text[], digest text, audit_entry bigint,
        released_at timestamptz)`,
    sql`
      insert into release_outputs (release, position, name, descriptor, object, notes)
      select release, position, name, descriptor, object, notes
      from jsonb_to_recordset(cast(${outputs} as jsonb)) as r(release text, position integer, name text,
        descriptor jsonb, object text, notes jsonb)`,
  ];
}

/**
 * INVARIANT: under the safe label only the bytes that the engine prepared for release leave; the bytes as
 * computed leave only for a row-level job that people approved.
 */
function releasableOutputs(rows: readonly ReleasableOutput[], label: "safe" | "row_level") {
  if (rows.length === 0) throw new AppError("conflict", "the job has no output to release");
  return rows.map((row) => {
    const object = label === "safe" ? row.release_object : row.quarantine_object;
    if (object === null) throw new AppError("conflict", `output ${row.name} has no releasable form`);
    return { name: row.name, kind: row.descriptor.kind, object, descriptor: row.descriptor };
  });
}

async function readOutputs({ tx }: AuditContext, job: string): Promise<ReleasableOutput[]> {
  const rows = await tx.selectFrom("job_outputs").selectAll().where("job", "=", job).orderBy("position").execute();
  if (rows.some((row) => row.discarded_at !== null)) throw new AppError("content_discarded");
  return rows;
}

/** Revoked content is not served any more, nor what its job wrote to its log; what was downloaded cannot be called back, and the entry says so. */
export async function revokeRelease(context: AuditContext, id: string, reason: string): Promise<void> {
  const release = await context.tx
    .selectFrom("releases")
    .selectAll()
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirst();
  if (!release) throw new AppError("not_found");
  if (release.state !== "released") throw new AppError("invalid_transition", `the release is ${release.state}`);
  const now = new Date(context.clock.nowMs());
  const revoked = { state: "revoked" as const, revoked_at: now, revoked_by: context.actor.id };
  await context.tx.updateTable("releases").set(revoked).where("id", "=", id).execute();
  await context.tx.updateTable("jobs").set({ text_visible: false }).where("id", "=", release.job).execute();
  const request = { state: "revoked" as const, updated_at: now };
  await context.tx.updateTable("egress_requests").set(request).where("id", "=", release.request).execute();
  await record(context, {
    action: "egress.revoked",
    subject: { kind: "release", id },
    detail: { request: release.request, reason },
  });
}
