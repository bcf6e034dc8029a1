import type { Agreement, ExpertOpinion, Opinion } from "#contract/scenario.ts";
import { fileAgreement, signAgreement } from "./agreement.ts";
import { approveScenario, goLive, rejectScenario } from "./decision.ts";
import { fileOpinion, issueOpinion } from "./opinion.ts";
import type { StepContext } from "./step-context.ts";
import { resumeScenario, suspendScenario, terminateScenario } from "./suspension.ts";

/** A step that a person takes with a scenario; steps that follow a decision on a filing are not among them. */
export type ScenarioAction = { scenario: string } & (
  | { step: "approve"; expertOpinion?: ExpertOpinion | undefined }
  | { step: "reject"; reason: string }
  | { step: "sign"; agreement?: Agreement | undefined }
  | { step: "file" }
  | { step: "issue_opinion"; opinion?: Opinion | undefined }
  | { step: "file_opinion" }
  | { step: "go_live"; opinion: string }
  | { step: "suspend"; reason: string }
  | { step: "resume"; reason: string }
  | { step: "terminate"; reason: string }
);

/**
 * Takes a step with its guards and audit entries. Throws `not_found`, `forbidden` when it belongs to somebody else,
 * `invalid_transition` when the state or a guard (`details.reason`) refuses it.
 */
export async function takeStep(context: StepContext, action: ScenarioAction): Promise<void> {
  switch (action.step) {
    case "approve":
      return approveScenario(context, action);
    case "reject":
      return rejectScenario(context, action);
    case "sign":
      return signAgreement(context, action);
    case "file":
      return fileAgreement(context, action);
    case "issue_opinion":
      return issueOpinion(context, action);
    case "file_opinion":
      return fileOpinion(context, action);
    case "go_live":
      return goLive(context, action);
    case "suspend":
      return suspendScenario(context, action);
    case "resume":
      return resumeScenario(context, action);
    case "terminate":
      return terminateScenario(context, action);
  }
}
