import type { Opinion } from "#contract/scenario.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import { requireOperator } from "./actors.ts";
import { submitFiling } from "./filing.ts";
import { contentOfOpinion } from "./filing-content.ts";
import { advance, lockScenario, type LockedScenario } from "./locked-scenario.ts";
import { endOpinion } from "./opinion-end.ts";
import { moveOpinion } from "./opinion-move.ts";
import type { StepContext } from "./step-context.ts";
import { now, recordStep } from "./step-context.ts";
import { refuseStep, stateAfter } from "./transition.ts";

/**
 * The operator issues the pre-review opinion on the scenario as it is. A returned opinion is issued again under its
 * number; any other that is under way is superseded. A number names one document: a superseded one is used again
 * only on a development server.
 */
export async function issueOpinion(
  context: StepContext,
  request: { scenario: string; opinion?: Opinion | undefined },
): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireOperator(context, scenario.operator);
  stateAfter("pre_review", scenario);
  const opinion = request.opinion ?? scenario.proposed_opinion;
  if (!opinion) throw new AppError("invalid_request", "The opinion's terms are needed");
  await requireRecipients(context, opinion);
  const returned = await takeReturnedDraft(context, scenario, opinion);
  const id = returned ?? (await insertOpinion(context, scenario, opinion));
  await advance(context, scenario, { step: "pre_review", opinion: id });
  const { number, profile } = opinion;
  const detail = { opinion: number, profile, autoRelease: opinion.autoRelease ?? false };
  await recordStep(context, { action: "scenario.opinion_issued", kind: "scenario", id: scenario.id, detail });
}

async function requireRecipients(context: StepContext, { recipients }: Opinion): Promise<void> {
  const known = await context.tx.selectFrom("organisations").select("id").where("id", "in", recipients).execute();
  const unknown = recipients.filter((id) => !known.some((organisation) => organisation.id === id));
  if (unknown.length > 0) throw new AppError("invalid_request", "Unknown recipients", { details: { unknown } });
}

async function takeReturnedDraft(context: StepContext, scenario: LockedScenario, opinion: Opinion) {
  const current = await context.tx
    .selectFrom("opinions")
    .select("number")
    .where("id", "=", scenario.opinion)
    .executeTakeFirst();
  if (current?.number !== opinion.number) return undefined;
  const { number: _, ...terms } = termsOf(opinion);
  const set = { ...terms, issued_at: now(context) };
  const issued = await moveOpinion(context, { id: scenario.opinion, step: "issue", set });
  return issued?.id;
}

async function insertOpinion(context: StepContext, scenario: LockedScenario, opinion: Opinion): Promise<string> {
  await endOpinion(context, scenario, "supersede");
  await requireFreshNumber(context, scenario, opinion.number);
  const id = createId("opinion", context.clock.nowMs());
  await context.tx
    .insertInto("opinions")
    .values({ id, scenario: scenario.id, ...termsOf(opinion), state: "issued", issued_at: now(context) })
    .execute();
  return id;
}

function termsOf(opinion: Opinion) {
  const { number, profile, outputs, recipients, autoRelease = false } = opinion;
  return { number, profile, outputs, recipients, auto_release: autoRelease };
}

async function requireFreshNumber(context: StepContext, scenario: LockedScenario, number: string): Promise<void> {
  if (context.development) return;
  const used = await context.tx
    .selectFrom("opinions")
    .select("id")
    .where("scenario", "=", scenario.id)
    .where("number", "=", number)
    .executeTakeFirst();
  if (used) throw new AppError("conflict", "The opinion's number was used before; a new opinion needs a new number");
}

/** The operator files the issued opinion with the implementing body. */
export async function fileOpinion(context: StepContext, request: { scenario: string }): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireOperator(context, scenario.operator);
  stateAfter("file_opinion", scenario);
  const opinion = await moveOpinion(context, { id: scenario.opinion, step: "file" });
  if (!opinion) refuseStep("opinion_not_issued", "The opinion was returned; issue it again before filing");
  const filing = await submitFiling(context, {
    kind: "opinion",
    scenario: scenario.id,
    subject: opinion.id,
    number: opinion.number,
    contentDigest: await contentOfOpinion(context, scenario, opinion),
  });
  await advance(context, scenario, { step: "file_opinion" });
  const detail = { filing, opinion: opinion.number };
  await recordStep(context, { action: "scenario.opinion_filed", kind: "scenario", id: scenario.id, detail });
}
