import type { ScenarioStep } from "#contract/scenario.ts";
import { localDay } from "#kernel/clock.ts";
import { requireImplementingBody, requireSupervision } from "./actors.ts";
import { endAgreement } from "./agreement.ts";
import { advance, lockScenario } from "./locked-scenario.ts";
import { endOpinion } from "./opinion-end.ts";
import type { StepContext } from "./step-context.ts";
import { recordStep } from "./step-context.ts";

export interface StopRequest {
  scenario: string;
  reason: string;
}

/** Stops a scenario at once: no new job, no release. The chain below it stays as it is. */
export async function suspendScenario(context: StepContext, request: StopRequest): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireSupervision(context, scenario.operator);
  await advance(context, scenario, { step: "suspend" });
  const detail = { reason: request.reason, from: scenario.state };
  await recordStep(context, { action: "scenario.suspended", kind: "scenario", id: scenario.id, detail });
}

/** The implementing body lets a suspended scenario go on where it was, never further. */
export async function resumeScenario(context: StepContext, request: StopRequest): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  requireImplementingBody(context);
  await advance(context, scenario, { step: "resume" });
  const detail = { reason: request.reason, to: scenario.suspended_from };
  await recordStep(context, { action: "scenario.resumed", kind: "scenario", id: scenario.id, detail });
}

/** Ends a scenario for good, with its agreement and opinion. */
export async function terminateScenario(context: StepContext, request: StopRequest): Promise<void> {
  requireImplementingBody(context);
  await endScenario(context, { ...request, step: "terminate", action: "scenario.terminated" });
}

/**
 * Marks scenarios whose agreement or head agreement ended before today. The chain of authority does not wait for
 * this: it compares the days itself. Returns the scenarios that expired.
 */
export async function expireScenarios(context: StepContext): Promise<string[]> {
  const today = localDay(context.clock);
  const due = await context.tx
    .selectFrom("scenarios")
    .innerJoin("head_agreements", "head_agreements.number", "scenarios.head_agreement")
    .innerJoin("agreements", "agreements.id", "scenarios.agreement")
    .select("scenarios.id")
    .where("scenarios.state", "not in", ["expired", "terminated", "cleaned", "closed"])
    .where(({ or, eb }) => or([eb("head_agreements.valid_to", "<", today), eb("agreements.valid_to", "<", today)]))
    .orderBy("scenarios.id")
    // another replica may be at it
    .forUpdate("scenarios")
    .skipLocked()
    .execute();
  for (const { id } of due) {
    await endScenario(context, { scenario: id, reason: "term_ended", step: "expire", action: "scenario.expired" });
  }
  return due.map((row) => row.id);
}

async function endScenario(
  context: StepContext,
  request: StopRequest & { step: ScenarioStep; action: string },
): Promise<void> {
  const scenario = await lockScenario(context, request.scenario);
  await advance(context, scenario, { step: request.step });
  await endOpinion(context, scenario, "withdraw");
  await endAgreement(context, scenario, "terminated");
  const detail = { reason: request.reason, from: scenario.state };
  await recordStep(context, { action: request.action, kind: "scenario", id: scenario.id, detail });
}
