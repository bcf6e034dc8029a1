import type { Opinion, Quota, ScenarioSpec, ScenarioState } from "#contract/scenario.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import type { Period } from "./days.ts";
import type { FilingDecision } from "./filing.ts";
import type { OpinionRow } from "./rows.ts";
import type { ScenarioAction } from "./take-step.ts";

/** Where a scenario stands on its way, as far as the next step depends on it. */
export interface Standing {
  state: ScenarioState;
  agreement: ({ number: string; quota?: Quota } & Period) | undefined;
  opinion: OpinionRow | undefined;
  /** Numbers of all opinions that the scenario ever had. */
  opinionNumbers: readonly string[];
  /** A filing that waits for the implementing body. */
  openFiling: string | undefined;
}

export type NextStep =
  | { by: "operator" | "implementing_body"; action: ScenarioAction }
  | { by: "implementing_body"; filing: FilingDecision }
  | { waiting: string };

/** The step that brings a scenario closer to what its specification declares; undefined when it is there. Pure. */
export function nextStep(spec: ScenarioSpec, standing: Standing, mayReuseNumbers: boolean): NextStep | undefined {
  const { state } = standing;
  if (state === "proposed" || state === "under_review") return approval(spec);
  if (state === "suspended") return { waiting: "The scenario is suspended; the implementing body resumes it" };
  if (state === "approved" || state === "expired" || isOtherAgreement(spec, standing)) return signature(spec, standing);
  const { id: scenario } = spec;
  if (state === "agreement_signed") return { by: "operator", action: { step: "file", scenario } };
  if (state === "filed") return acceptance(standing);
  if (["building", "pre_review", "opinion_filed", "live"].includes(state)) {
    return opinionStep(spec, standing, mayReuseNumbers);
  }
  return { waiting: `The scenario is ${state}` };
}

function approval({ id: scenario, expertOpinion }: ScenarioSpec): NextStep {
  if (!expertOpinion) return { waiting: "The scenario needs an expert opinion before it can be approved" };
  return { by: "implementing_body", action: { step: "approve", scenario, expertOpinion } };
}

function isOtherAgreement({ agreement }: ScenarioSpec, standing: Standing): boolean {
  if (!agreement || ["rejected", "terminated", "cleaned", "closed"].includes(standing.state)) return false;
  return canonicalJson(agreement) !== canonicalJson(standing.agreement ?? null);
}

function signature(spec: ScenarioSpec, standing: Standing): NextStep {
  const { id: scenario, agreement } = spec;
  if (!agreement) return { waiting: "The scenario needs a cooperation agreement" };
  if (standing.state === "expired" && !isOtherAgreement(spec, standing)) {
    return { waiting: "The term has ended; declare a new cooperation agreement" };
  }
  return { by: "operator", action: { step: "sign", scenario, agreement } };
}

function acceptance({ openFiling: filing }: Standing): NextStep {
  if (filing === undefined) return { waiting: "The filing is not under way" };
  return { by: "implementing_body", filing: { filing, decision: "accept" } };
}

function opinionStep(spec: ScenarioSpec, standing: Standing, mayReuseNumbers: boolean): NextStep | undefined {
  const { id: scenario, opinion } = spec;
  const { state, opinion: current } = standing;
  if (opinion && needsIssue(opinion, current)) {
    const isRedraft = current?.state === "drafted" && current.number === opinion.number;
    if (!isRedraft && !mayReuseNumbers && standing.opinionNumbers.includes(opinion.number)) {
      return { waiting: `Opinion ${opinion.number} was superseded; issue the new one under a new number` };
    }
    return { by: "operator", action: { step: "issue_opinion", scenario, opinion } };
  }
  if (!current || state === "building" || state === "live") return undefined;
  if (state === "pre_review") {
    if (current.state === "drafted") return { waiting: "The opinion was returned; declare it anew" };
    return { by: "operator", action: { step: "file_opinion", scenario } };
  }
  if (current.state === "filed") return acceptance(standing);
  return { by: "implementing_body", action: { step: "go_live", scenario, opinion: current.number } };
}

function needsIssue(opinion: Opinion, current: OpinionRow | undefined): boolean {
  if (!current || current.state === "drafted") return true;
  const { number, profile, outputs, recipients, auto_release: autoRelease } = current;
  const declared = { ...opinion, autoRelease: opinion.autoRelease ?? false };
  return canonicalJson(declared) !== canonicalJson({ number, profile, outputs, recipients, autoRelease });
}
