import type { ExpertOpinion } from "#contract/scenario.ts";
import { json } from "#persistence/index.ts";
import { requireImplementingBody } from "./actors.ts";
import { isDay } from "./days.ts";
import { contentOfOpinion } from "./filing-content.ts";
import { advance, lockScenario } from "./locked-scenario.ts";
import { moveOpinion } from "./opinion-move.ts";
import type { StepContext } from "./step-context.ts";
import { now, recordStep } from "./step-context.ts";
import { refuseStep, stateAfter } from "./transition.ts";

/** The implementing body approves: only with an expert opinion that names its issuer, number and day. */
export async function approveScenario(
  context: StepContext,
  request: { scenario: string; expertOpinion?: ExpertOpinion | undefined },
): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireImplementingBody(context);
  stateAfter("approve", scenario);
  const opinion = request.expertOpinion ?? scenario.expert_opinion;
  if (!opinion || !isComplete(opinion)) {
    refuseStep("expert_opinion_missing", "Approval needs an expert opinion with issuer, number and day");
  }
  await context.tx
    .updateTable("scenarios")
    .set({ expert_opinion: json(opinion) })
    .where("id", "=", scenario.id)
    .execute();
  await advance(context, scenario, { step: "approve" });
  await recordStep(context, {
    action: "scenario.approved",
    kind: "scenario",
    id: scenario.id,
    detail: { expertOpinion: { ...opinion } },
  });
}

function isComplete(opinion: ExpertOpinion): boolean {
  return opinion.issuer.trim() !== "" && opinion.number.trim() !== "" && isDay(opinion.date);
}

export async function rejectScenario(
  context: StepContext,
  request: { scenario: string; reason: string },
): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireImplementingBody(context);
  await advance(context, scenario, { step: "reject" });
  const detail = { reason: request.reason };
  await recordStep(context, { action: "scenario.rejected", kind: "scenario", id: scenario.id, detail });
}

/**
 * The implementing body's go-live decision, on the basis of an opinion that it cites by number.
 * INVARIANT: nothing else leads to `live`, and it takes an accepted filing of exactly what the opinion says now.
 */
export async function goLive(context: StepContext, request: { scenario: string; opinion: string }): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireImplementingBody(context);
  stateAfter("go_live", scenario);
  if (scenario.opinion === null) refuseStep("opinion_missing", "There is no opinion to go live on");
  const opinion = await context.tx
    .selectFrom("opinions")
    .selectAll()
    .where("id", "=", scenario.opinion)
    .executeTakeFirstOrThrow();
  if (opinion.number !== request.opinion) {
    refuseStep("opinion_not_cited", "The decision must cite the number of the scenario's opinion");
  }
  const filing = await context.tx
    .selectFrom("filings")
    .select("content_digest")
    .where("subject", "=", opinion.id)
    .where("state", "=", "accepted")
    .executeTakeFirst();
  if (opinion.state !== "accepted" || !filing) {
    refuseStep("opinion_filing_missing", "The filing of the opinion was not accepted");
  }
  if (filing.content_digest !== (await contentOfOpinion(context, scenario, opinion))) {
    refuseStep("opinion_changed", "The scenario is not what the filed opinion covers");
  }
  await moveOpinion(context, { id: opinion.id, step: "take_effect", set: { effective_at: now(context) } });
  await advance(context, scenario, { step: "go_live" });
  const detail = { opinion: opinion.number };
  await recordStep(context, { action: "scenario.went_live", kind: "scenario", id: scenario.id, detail });
}
