import type { ScenarioSpec } from "#contract/scenario.ts";
import type { ApplyChange } from "#contract/space.ts";
import { decideFiling } from "./filing.ts";
import { type NextStep, nextStep } from "./next-step.ts";
import { amendScenario, proposeScenario } from "./scenario.ts";
import { readStanding } from "./standing.ts";
import type { StepContext } from "./step-context.ts";
import { type ScenarioAction, takeStep } from "./take-step.ts";

export interface ScenarioApplication {
  spec: ScenarioSpec;
  headAgreement: string;
  development: boolean;
}

/** More steps than any way through the transition table has; more would be a circle, which is a bug. */
const MAX_STEPS = 20;

/** Creates or updates a scenario and takes every step that may be taken here. */
export async function applyScenario(context: StepContext, application: ScenarioApplication): Promise<ApplyChange[]> {
  const { spec } = application;
  const changes = await declare(context, application);
  for (let taken = 0; taken < MAX_STEPS; taken++) {
    const standing = await readStanding(context, spec.id);
    const next = nextStep(spec, standing, application.development);
    if (!next) return changes.length > 0 ? changes : [change(spec.id, "unchanged")];
    if ("waiting" in next) return [...changes, change(spec.id, "waiting", next.waiting)];
    if (next.by !== "operator" && !application.development) {
      return [...changes, { ...describe(next, spec), change: "waiting", detail: waitingFor(next) }];
    }
    await take(context, next, application.development);
    changes.push({ ...describe(next, spec), change: "advanced", detail: taking(next) });
  }
  throw new Error("a scenario went in circles while its declaration was applied");
}

async function declare(context: StepContext, { spec, headAgreement }: ScenarioApplication): Promise<ApplyChange[]> {
  const known = await context.tx.selectFrom("scenarios").select("id").where("id", "=", spec.id).executeTakeFirst();
  if (!known) {
    await proposeScenario(context, { spec, headAgreement });
    return [change(spec.id, "created")];
  }
  return (await amendScenario(context, spec)) ? [change(spec.id, "updated")] : [];
}

type Step = Exclude<NextStep, { waiting: string }>;

/** Only what is another organisation's step, or uses a number again, is marked as a step of development. */
async function take(context: StepContext, step: Step, development: boolean): Promise<void> {
  if ("filing" in step) {
    await decideFiling({ ...context, development }, step.filing);
    return;
  }
  const marked = step.by !== "operator" || step.action.step === "issue_opinion";
  await takeStep(marked ? { ...context, development } : context, step.action);
}

const STEP_WORDS: Readonly<Record<ScenarioAction["step"], string>> = {
  approve: "approve the scenario",
  reject: "reject the scenario",
  sign: "sign the cooperation agreement",
  file: "file the cooperation agreement",
  issue_opinion: "issue the pre-review opinion",
  file_opinion: "file the pre-review opinion",
  go_live: "decide on going live",
  suspend: "suspend the scenario",
  resume: "resume the scenario",
  terminate: "terminate the scenario",
};

function wordsOf(step: Step): string {
  return "filing" in step ? "accept or return the filing" : STEP_WORDS[step.action.step];
}

function waitingFor(step: Step): string {
  return `The implementing body must ${wordsOf(step)}`;
}

function taking(step: Step): string {
  const instead = step.by === "operator" ? "" : " (development: instead of the implementing body)";
  return `${wordsOf(step)}${instead}`;
}

function describe(step: Step, spec: ScenarioSpec): Pick<ApplyChange, "kind" | "id"> {
  if ("filing" in step) return { kind: "filing", id: step.filing.filing };
  if (step.action.step === "sign") return { kind: "agreement", id: step.action.agreement?.number ?? spec.id };
  if (step.action.step === "issue_opinion") return { kind: "opinion", id: step.action.opinion?.number ?? spec.id };
  return { kind: "scenario", id: spec.id };
}

function change(id: string, what: ApplyChange["change"], detail?: string): ApplyChange {
  return detail === undefined ? { kind: "scenario", id, change: what } : { kind: "scenario", id, change: what, detail };
}
