import { type AuditContext, record } from "#audit/index.ts";
import { EGRESS_TRANSITIONS, type ReviewCreate } from "#contract/egress.ts";
import type { Principal } from "#identity/index.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import { isUniqueViolation, json, type ReviewDecided } from "#persistence/index.ts";
import { decideEgress, type PolicyBundle } from "#policy/index.ts";
import { egressAuthority } from "./open.ts";
import { releaseRequest } from "./release.ts";

export interface ReviewOutcome {
  state: "under_review" | "returned" | "rejected" | "released";
  releaseId?: string;
}

interface Reviewer {
  principal: Principal;
  review: ReviewCreate;
  bundle: PolicyBundle;
}

/**
 * A reviewer of the operator decides. Never on a request of the own organisation, never twice; an approval
 * releases once the policies are satisfied by the number of different reviewers, and not when the authority has
 * lapsed in the meantime.
 */
export async function reviewRequest(context: AuditContext, id: string, by: Reviewer): Promise<ReviewOutcome> {
  const request = await lockRequest(context, id);
  if (request.organisation === by.principal.organisation) throw new AppError("self_review");
  const transition = EGRESS_TRANSITIONS[by.review.decision]!;
  if (!transition.from.includes(request.state))
    throw new AppError("invalid_transition", `the request is ${request.state}`);
  await insertReview(context, id, by);
  if (by.review.decision === "approve") return approve(context, request, by);
  const state = by.review.decision === "reject" ? "rejected" : "returned";
  await close(context, request, state);
  return { state };
}

type LockedRequest = Awaited<ReturnType<typeof lockRequest>>;

async function lockRequest({ tx }: AuditContext, id: string) {
  const request = await tx
    .selectFrom("egress_requests")
    .selectAll()
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirst();
  if (!request) throw new AppError("not_found");
  return request;
}

async function insertReview(context: AuditContext, request: string, { principal, review }: Reviewer): Promise<void> {
  const nowMs = context.clock.nowMs();
  const id = createId("review", nowMs);
  await context.tx
    .insertInto("egress_reviews")
    .values({
      id,
      request,
      reviewer: principal.subject,
      organisation: principal.organisation,
      decision: review.decision,
      comment: review.comment,
      reason_codes: review.reasonCodes ?? [],
      created_at: new Date(nowMs),
    })
    .execute()
    .catch((error: unknown) => {
      if (isUniqueViolation(error)) throw new AppError("already_reviewed");
      throw error;
    });
  await record(context, {
    action: "egress.reviewed",
    subject: { kind: "egress_request", id: request },
    detail: { review: id, decision: review.decision, reasonCodes: review.reasonCodes ?? [] },
  });
}

async function approve(context: AuditContext, request: LockedRequest, by: Reviewer): Promise<ReviewOutcome> {
  const { bundle } = by;
  const approvals = await countApprovals(context, request.id);
  const { product_type: productType, scenario, organisation, recipients } = request;
  const question = { scenario, organisation, productType, recipients, approvals };
  const { authority } = await egressAuthority(context, bundle, question);
  const decision = decideEgress(bundle, { request: request.id, facts: request.facts, authority });
  const { verdict, reasons } = decision;
  await keepDecision(context, { request: request.id, by }, { bundle: decision.bundle, verdict, reasons, authority });
  if (decision.verdict === "block") {
    throw new AppError("authority_missing", "the policies do not allow this release any more", {
      details: { reasons: reasons.map(({ code }) => code) },
    });
  }
  if (decision.verdict === "review") return { state: "under_review" };
  const approved = {
    state: "approved" as const,
    verdict: decision.verdict,
    updated_at: new Date(context.clock.nowMs()),
  };
  await context.tx.updateTable("egress_requests").set(approved).where("id", "=", request.id).execute();
  await context.tx.updateTable("jobs").set({ verdict: decision.verdict }).where("id", "=", request.job).execute();
  const releaseId = await releaseRequest(context, request.id);
  return { state: "released", releaseId };
}

/** With the review that led to it, so that it can be explained later. */
async function keepDecision(
  { tx }: AuditContext,
  { request, by }: { request: string; by: Reviewer },
  decided: ReviewDecided,
): Promise<void> {
  await tx
    .updateTable("egress_reviews")
    .set({ decided: json(decided) })
    .where("request", "=", request)
    .where("organisation", "=", by.principal.organisation)
    .where("reviewer", "=", by.principal.subject)
    .execute();
}

async function countApprovals({ tx }: AuditContext, request: string): Promise<number> {
  const { approvals } = await tx
    .selectFrom("egress_reviews")
    .select(({ fn }) => fn.countAll<number>().as("approvals"))
    .where("request", "=", request)
    .where("decision", "=", "approve")
    .executeTakeFirstOrThrow();
  return approvals;
}

async function close(context: AuditContext, request: LockedRequest, state: "rejected" | "returned"): Promise<void> {
  const now = new Date(context.clock.nowMs());
  const verdict = state === "rejected" ? ("block" as const) : request.verdict;
  await context.tx
    .updateTable("egress_requests")
    .set({ state, verdict, updated_at: now })
    .where("id", "=", request.id)
    .execute();
  await context.tx.updateTable("jobs").set({ verdict }).where("id", "=", request.job).execute();
  await record(context, {
    action: `egress.${state}`,
    subject: { kind: "egress_request", id: request.id },
    detail: { job: request.job },
  });
}
