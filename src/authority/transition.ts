import { SCENARIO_TRANSITIONS, type ScenarioState, type ScenarioStep } from "#contract/scenario.ts";
import { AppError } from "#kernel/errors.ts";

export interface ScenarioPosition {
  state: ScenarioState;
  suspended_from: ScenarioState | null;
}

/** Where a step leads; throws `invalid_transition` when the state does not allow it. Pure. */
export function stateAfter(step: ScenarioStep, at: ScenarioPosition): ScenarioPosition {
  const { from, to } = SCENARIO_TRANSITIONS[step];
  if (!from.includes(at.state)) throw refusedStep(step, at.state);
  if (step === "suspend") return { state: "suspended", suspended_from: at.state };
  if (to !== "before_suspension") return { state: to, suspended_from: null };
  if (at.suspended_from === null) throw refusedStep(step, at.state);
  return { state: at.suspended_from, suspended_from: null };
}

function refusedStep(step: ScenarioStep, state: ScenarioState): AppError {
  return new AppError("invalid_transition", `A scenario in state ${state} does not take this step`, {
    details: { step, state, allowedFrom: SCENARIO_TRANSITIONS[step].from },
  });
}

/** A guard of a step that the state alone does not show; `reason` is a stable code. */
export function refuseStep(reason: string, message: string): never {
  throw new AppError("invalid_transition", message, { details: { reason } });
}
