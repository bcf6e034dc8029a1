import { type RawBuilder, type Selectable, sql } from "kysely";
import { type AuditContext, recordLater } from "#audit/index.ts";
import { type Chain, checkAuthority } from "#authority/index.ts";
import { hasProvidersConsent } from "#consent/index.ts";
import type { EgressFacts, Finding } from "#contract/egress.ts";
import type { ProductType } from "#contract/scenario.ts";
import { jobOutputs } from "#jobs/index.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import { isUniqueViolation, type JobRow, json, type Schema } from "#persistence/index.ts";
import type { EgressAuthority } from "#contract/policy.ts";
import { decideEgress, type EgressDecision, type PolicyBundle } from "#policy/index.ts";
import { makeRelease, type ReleasableOutput } from "./release.ts";

type Job = Selectable<JobRow>;

export interface EgressApplication {
  job: Job;
  facts: EgressFacts;
  applicant: string;
  productType: ProductType;
  purpose: string;
  recipients: string[];
}

export interface OpenedEgress {
  requestId: string;
  releaseId?: string;
  decision: EgressDecision;
}

/**
 * Opens an egress request and judges it at once: the policies answer release, release_transformed, review or
 * block, and a release is made in the same transaction. Facts come from the engine's evidence, authority from
 * the chain as it holds now.
 */
export async function openEgress(
  context: AuditContext,
  bundle: PolicyBundle,
  application: EgressApplication,
): Promise<OpenedEgress> {
  const { job } = application;
  const outputs = await lockOutputs(context, job.id);
  if (outputs.some(({ discarded_at: at }) => at !== null)) throw new AppError("content_discarded");
  const judged = await judgeEgress(context, bundle, application);
  const { verdict } = judged.decision;
  const findings = allFindings(job.findings, judged.decision);
  await context.tx
    .updateTable("jobs")
    .set({ verdict, findings: json(findings) })
    .where("id", "=", job.id)
    .execute();
  const known = { ...application, job: { ...job, findings } };
  const { row, statement } = requestOf(context, known, judged);
  await statement.execute(context.tx).catch((error: unknown) => {
    if (isUniqueViolation(error)) throw new AppError("conflict", "the job has an egress request already");
    throw error;
  });
  return openJudged(context, known, { ...judged, row, outputs });
}

/**
 * INVARIANT: of a request for outputs and the giving up of their bytes one comes first and the other sees it. The job's row is
 * what both lock.
 */
async function lockOutputs({ tx }: AuditContext, job: string) {
  await tx.selectFrom("jobs").select("id").where("id", "=", job).forUpdate().executeTakeFirst();
  return jobOutputs(tx, job);
}

export interface JudgedEgress {
  requestId: string;
  decision: EgressDecision;
  chain: Chain | undefined;
  authority: EgressAuthority;
  /** The job's outputs, when they are known without asking. */
  outputs?: readonly ReleasableOutput[];
}

/** What the policies say; writes nothing. */
export async function judgeEgress(
  context: AuditContext,
  bundle: PolicyBundle,
  application: EgressApplication,
): Promise<JudgedEgress> {
  const { job, facts } = application;
  const requestId = createId("egressRequest", context.clock.nowMs());
  const { chain, authority } = await egressAuthority(context, bundle, {
    ...application,
    scenario: job.scenario,
    organisation: job.organisation,
    products: facts.products,
  });
  return { requestId, decision: decideEgress(bundle, { request: requestId, facts, authority }), chain, authority };
}

export interface EgressRequest {
  row: Selectable<Schema["egress_requests"]>;
  /** Writes the row. */
  statement: RawBuilder<unknown>;
}

/** The request that a judgement makes; nothing is written yet. */
export function requestOf(
  context: AuditContext,
  application: EgressApplication,
  { requestId, decision, chain, authority }: JudgedEgress,
): EgressRequest {
  const { profile } = application.job.authority;
  const row = requestRow(context, { requestId, application, decision, chain, authority, profile });
  return { row, statement: requestStatement(row) };
}

/** The entry of a request that is written, and its release when it is one. The job has its verdict. */
export async function openJudged(
  context: AuditContext,
  application: EgressApplication,
  { row, decision, outputs }: Pick<JudgedEgress, "decision" | "outputs"> & Pick<EgressRequest, "row">,
): Promise<OpenedEgress> {
  const requestId = row.id;
  recordDecision(context, { requestId, application, decision });
  if (row.state !== "released") return { requestId, decision };
  return { requestId, releaseId: await makeRelease(context, row, outputs), decision };
}

export interface AuthorityQuestion {
  scenario: string;
  organisation: string;
  productType: ProductType;
  recipients: readonly string[];
  /** What was read. */
  products: readonly string[];
  approvals?: number;
}

/** What the chain of authority allows now. Without a valid chain nothing is allowed. */
export async function egressAuthority(
  context: AuditContext,
  bundle: PolicyBundle,
  question: AuthorityQuestion,
): Promise<{ chain: Chain | undefined; authority: EgressAuthority }> {
  const { scenario, organisation, clock } = { ...question, clock: context.clock };
  const checked = await checkAuthority(context.tx, { scenario, organisation, purpose: "job", clock });
  const chain = checked.effect === "permit" ? checked.chain : undefined;
  const opinion = chain?.opinion;
  const profile = opinion ? bundle.profiles.get(opinion.profile) : undefined;
  const authority: EgressAuthority = {
    scenario,
    scenarioLive: chain?.scenario.state === "live",
    opinionEffective: opinion?.state === "effective" && chain?.opinionFiling !== undefined && profile !== undefined,
    opinionAutoRelease: opinion?.autoRelease === true,
    productTypeInOpinion: opinion?.outputs.includes(question.productType) === true,
    providersConsent: await hasProvidersConsent(context.tx, scenario, question.products),
    recipientsInOpinion: question.recipients.every((recipient) => opinion?.recipients.includes(recipient) === true),
    approvals: question.approvals ?? 0,
    reviewersRequired: profile?.reviewers.value ?? Number.MAX_SAFE_INTEGER,
  };
  return { chain, authority };
}

interface NewRequest {
  requestId: string;
  application: EgressApplication;
  decision: EgressDecision;
  chain: Chain | undefined;
  authority: EgressAuthority;
  profile: string;
}

function requestRow(
  context: AuditContext,
  { requestId, application, decision, chain, authority, profile }: NewRequest,
): EgressRequest["row"] {
  const now = new Date(context.clock.nowMs());
  const { job } = application;
  return {
    id: requestId,
    job: job.id,
    scenario: job.scenario,
    organisation: job.organisation,
    applicant: application.applicant,
    state: stateAfter(decision),
    verdict: decision.verdict,
    product_type: application.productType,
    purpose: application.purpose,
    recipients: application.recipients,
    findings: application.job.findings,
    facts: application.facts,
    profile: chain?.opinion?.profile ?? profile,
    opinion_number: chain?.opinion?.number ?? null,
    policy_bundle: decision.bundle,
    policy_reasons: decision.reasons,
    authority,
    created_at: now,
    updated_at: now,
  };
}

function requestStatement(row: EgressRequest["row"]): RawBuilder<unknown> {
  return sql`
    insert into egress_requests (id, job, scenario, organisation, applicant, state, verdict, product_type, purpose,
      recipients, findings, facts, profile, opinion_number, policy_bundle, policy_reasons, authority, created_at,
      updated_at)
    select r.* from jsonb_to_record(${json(row)}) as r(id text, job text, scenario text, organisation text,
      applicant text, state text, verdict text, product_type text, purpose text, recipients text[], findings jsonb,
      facts jsonb, profile text, opinion_number text, policy_bundle text, policy_reasons jsonb, authority jsonb,
      created_at timestamptz, updated_at timestamptz)`;
}

/** What the machine releases is released with the same commit. */
function stateAfter({ verdict }: EgressDecision) {
  if (verdict === "block") return "rejected" as const;
  return verdict === "review" ? ("under_review" as const) : ("released" as const);
}

/**
 * What the developer learns of the policies: the reason, in the closed vocabulary. That a rule blocks it is told by the
 * rule's own finding, unless that one may not be told.
 */
export function allFindings(findings: readonly Finding[], decision: EgressDecision): Finding[] {
  const ofRules = findings.filter(({ rule }) => /^[GR][0-9]+$/.test(rule));
  const effect = decision.verdict;
  if (effect === "release" || effect === "release_transformed") return ofRules;
  const isTold = ofRules.some((finding) => finding.effect === "block");
  const reasons = decision.reasons.filter(({ code }) => !(isTold && code === "blocked_by_rule"));
  const ofPolicies = reasons.map(({ policy, code, message }): Finding => ({
    rule: policy,
    family: "authority",
    code,
    effect,
    message: message.en,
  }));
  return [...ofRules, ...ofPolicies];
}

function recordDecision(
  context: AuditContext,
  { requestId, application, decision }: Pick<NewRequest, "requestId" | "application" | "decision">,
): void {
  const { job, facts, productType, recipients } = application;
  recordLater(context, {
    action: "egress.checked",
    subject: { kind: "egress_request", id: requestId },
    outcome: decision.verdict === "block" ? "denied" : "success",
    detail: {
      job: job.id,
      verdict: decision.verdict,
      policies: decision.reasons.map((reason) => reason.policy),
      policyErrors: decision.errors,
      bundle: decision.bundle,
      label: facts.label,
      blockedBy: facts.blockedBy,
      reviewBy: facts.reviewBy,
      suppressedBy: facts.suppressedBy,
      productType,
      recipients,
    },
  });
}
