import type { Agreement } from "#contract/scenario.ts";
import { createId } from "#kernel/ids.ts";
import { AppError } from "#kernel/errors.ts";
import { json } from "#persistence/index.ts";
import { requireOperator } from "./actors.ts";
import { isWithin, requirePeriod } from "./days.ts";
import { submitFiling } from "./filing.ts";
import { contentOfAgreement } from "./filing-content.ts";
import { advance, lockScenario, type LockedScenario } from "./locked-scenario.ts";
import { archiveFilings, endOpinion } from "./opinion-end.ts";
import type { StepContext } from "./step-context.ts";
import { now, recordStep } from "./step-context.ts";
import { refuseStep, stateAfter } from "./transition.ts";

/**
 * The operator signs the cooperation agreement with the developer, inside the term of the head agreement. Signing
 * another one later supersedes the first, and filing, opinion and go-live come anew.
 */
export async function signAgreement(
  context: StepContext,
  request: { scenario: string; agreement?: Agreement | undefined },
): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireOperator(context, scenario.operator);
  stateAfter("sign", scenario);
  const agreement = request.agreement ?? scenario.proposed_agreement;
  if (!agreement) throw new AppError("invalid_request", "The agreement's number and term are needed");
  requirePeriod(agreement);
  if (!isWithin(agreement, { validFrom: scenario.valid_from, validTo: scenario.valid_to })) {
    refuseStep("agreement_outside_head_agreement", "The agreement must lie inside the head agreement's term");
  }
  await endAgreement(context, scenario, "superseded");
  await endOpinion(context, scenario, "supersede");
  const id = await insertAgreement(context, scenario.id, agreement);
  await advance(context, scenario, { step: "sign", agreement: id, opinion: null });
  const detail = { agreement: { ...agreement } };
  await recordStep(context, { action: "scenario.signed", kind: "scenario", id: scenario.id, detail });
}

async function insertAgreement(context: StepContext, scenario: string, agreement: Agreement): Promise<string> {
  const id = createId("agreement", context.clock.nowMs());
  const { number, validFrom, validTo, quota } = agreement;
  await context.tx
    .insertInto("agreements")
    .values({
      id,
      scenario,
      number,
      valid_from: validFrom,
      valid_to: validTo,
      state: "signed",
      quota: quota ? json(quota) : null,
      signed_at: now(context),
    })
    .execute();
  return id;
}

/** Ends the agreement in force, if any, and closes a filing of it that is under way. */
export async function endAgreement(
  context: StepContext,
  scenario: LockedScenario,
  state: "superseded" | "terminated",
): Promise<void> {
  if (scenario.agreement === null) return;
  await context.tx
    .updateTable("agreements")
    .set({ state, ended_at: now(context) })
    .where("id", "=", scenario.agreement)
    .where("state", "=", "signed")
    .execute();
  await archiveFilings(context, scenario.agreement);
}

/** The operator prepares and submits the filing of the signed agreement. */
export async function fileAgreement(context: StepContext, request: { scenario: string }): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireOperator(context, scenario.operator);
  stateAfter("file", scenario);
  const agreement = await context.tx
    .selectFrom("agreements")
    .selectAll()
    .where("id", "=", scenario.agreement)
    .where("state", "=", "signed")
    .executeTakeFirst();
  if (!agreement) refuseStep("agreement_missing", "There is no signed agreement to file");
  const filing = await submitFiling(context, {
    kind: "agreement",
    scenario: scenario.id,
    subject: agreement.id,
    number: agreement.number,
    contentDigest: await contentOfAgreement(context, scenario, agreement),
  });
  await advance(context, scenario, { step: "file" });
  const detail = { filing, agreement: agreement.number };
  await recordStep(context, { action: "scenario.filed", kind: "scenario", id: scenario.id, detail });
}
