import { type JoinRule, SCENARIO_TRANSITIONS, type ScenarioSpec, type Visibility } from "#contract/scenario.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { AppError } from "#kernel/errors.ts";
import { json } from "#persistence/index.ts";
import { requireOperator } from "./actors.ts";
import { getHeadAgreementInForce } from "./head-agreement.ts";
import { requireReferences } from "./scenario-references.ts";
import { advance, lockScenario, type LockedScenario, productsOf, readScenario } from "./locked-scenario.ts";
import { endOpinion } from "./opinion-end.ts";
import type { StepContext } from "./step-context.ts";
import { now, recordStep } from "./step-context.ts";
import { refuseStep } from "./transition.ts";

export interface Proposal {
  spec: ScenarioSpec;
  /** Number of the head agreement that the scenario stands on; default: the operator's that is in force today. */
  headAgreement?: string | undefined;
}

/** Puts a scenario forward. Throws `conflict` when the name is taken, `invalid_request` for unknown references. */
export async function proposeScenario(context: StepContext, proposal: Proposal): Promise<void> {
  const { spec } = proposal;
  const headAgreement = proposal.headAgreement ?? (await getHeadAgreementInForce(context));
  await requireReferences(context, { spec, headAgreement });
  const at = now(context);
  const inserted = await context.tx
    .insertInto("scenarios")
    .values({
      id: spec.id,
      developer: spec.developer,
      head_agreement: headAgreement,
      title: spec.title ?? null,
      purpose: spec.purpose,
      visibility: spec.visibility ?? "aggregates",
      joins: json(spec.joins ?? []),
      state: "proposed",
      ...expertOpinionOf(spec),
      ...proposedTerms(spec),
      created_at: at,
      updated_at: at,
    })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .returning("id")
    .executeTakeFirst();
  if (!inserted) throw new AppError("conflict", `Scenario ${spec.id} exists already`);
  await insertProducts(context, spec);
  const detail = { developer: spec.developer, headAgreement, products: spec.products };
  await recordStep(context, { action: "scenario.proposed", kind: "scenario", id: spec.id, detail });
}

/**
 * Brings the declared terms of an existing scenario up to date and tells whether anything changed. From `building`
 * on, other products, joins, visibility or purpose take the scenario back to `building` and supersede its opinion,
 * which covered the old terms only.
 */
export async function amendScenario(context: StepContext, spec: ScenarioSpec): Promise<boolean> {
  // Looked at before it is locked: declaring the same again must not write, and a lock is a write.
  const found = await readScenario(context, spec.id);
  requireOperator(context, found.operator);
  if (found.developer !== spec.developer) {
    throw new AppError("conflict", `Scenario ${spec.id} belongs to another developer`);
  }
  if (!(await differs(context, found, spec)).anything) return false;
  const scenario = await lockScenario(context, spec.id);
  const { substantial } = await differs(context, scenario, spec);
  if (substantial) await amendSubstance(context, scenario, spec);
  await context.tx
    .updateTable("scenarios")
    .set({ title: spec.title ?? null, ...proposedTerms(spec), updated_at: now(context) })
    .set(isUndecided(scenario) ? expertOpinionOf(spec) : {})
    .where("id", "=", spec.id)
    .execute();
  await recordStep(context, {
    action: "scenario.amended",
    kind: "scenario",
    id: spec.id,
    detail: { substantial, products: spec.products },
  });
  return true;
}

async function differs(context: StepContext, scenario: LockedScenario, spec: ScenarioSpec) {
  const before = { ...substanceOf(scenario), products: await productsOf(context, spec.id) };
  const substantial = canonicalJson(before) !== canonicalJson(substanceOf(spec));
  const incidental = canonicalJson(incidentalOf(scenario)) !== canonicalJson(declaredIncidental(spec, scenario));
  return { substantial, anything: substantial || incidental };
}

async function amendSubstance(context: StepContext, scenario: LockedScenario, spec: ScenarioSpec): Promise<void> {
  if (["expired", "terminated", "cleaned", "closed", "rejected"].includes(scenario.state)) {
    refuseStep("scenario_ended", "The terms of a scenario that has ended do not change");
  }
  await requireReferences(context, { spec, headAgreement: scenario.head_agreement });
  await endOpinion(context, scenario, "supersede");
  await backToBuilding(context, scenario);
  const { purpose, visibility, joins } = substanceOf(spec);
  await context.tx
    .updateTable("scenarios")
    .set({ purpose, visibility, joins: json([...joins]) })
    .where("id", "=", scenario.id)
    .execute();
  await context.tx.deleteFrom("scenario_products").where("scenario", "=", scenario.id).execute();
  await insertProducts(context, spec);
}

/** A scenario under suspension stays suspended, but goes back no further than `building` when it is resumed. */
async function backToBuilding(context: StepContext, scenario: LockedScenario): Promise<void> {
  if (SCENARIO_TRANSITIONS.amend.from.includes(scenario.state)) {
    return advance(context, scenario, { step: "amend", opinion: null });
  }
  if (scenario.state !== "suspended") return;
  await context.tx
    .updateTable("scenarios")
    .set({ opinion: null, suspended_from: "building" })
    .where("id", "=", scenario.id)
    .execute();
}

interface Substance {
  purpose: string;
  visibility: Visibility;
  joins: readonly JoinRule[];
  products?: readonly string[];
}

function substanceOf(source: {
  purpose: string;
  visibility?: Visibility;
  joins?: readonly JoinRule[];
  products?: readonly string[];
}): Substance {
  const { purpose, visibility = "aggregates", joins = [], products } = source;
  return products ? { purpose, visibility, joins, products } : { purpose, visibility, joins };
}

function incidentalOf(row: LockedScenario) {
  const { title, expert_opinion, proposed_agreement, proposed_opinion } = row;
  return { title, proposed_agreement, proposed_opinion, ...(isUndecided(row) ? { expert_opinion } : {}) };
}

function declaredIncidental(spec: ScenarioSpec, row: LockedScenario) {
  const { title = null, expertOpinion = null, agreement = null, opinion = null } = spec;
  const decided = isUndecided(row) ? { expert_opinion: expertOpinion } : {};
  return { title, proposed_agreement: agreement, proposed_opinion: opinion, ...decided };
}

/** The expert opinion that an approval rests on stays as it was then. */
function isUndecided({ state }: LockedScenario): boolean {
  return state === "proposed" || state === "under_review";
}

function expertOpinionOf({ expertOpinion }: ScenarioSpec) {
  return { expert_opinion: expertOpinion ? json(expertOpinion) : null };
}

function proposedTerms({ agreement, opinion }: ScenarioSpec) {
  return {
    proposed_agreement: agreement ? json(agreement) : null,
    proposed_opinion: opinion ? json(opinion) : null,
  };
}

async function insertProducts(context: StepContext, spec: ScenarioSpec): Promise<void> {
  const rows = spec.products.map((product, position) => ({ scenario: spec.id, product, position }));
  await context.tx.insertInto("scenario_products").values(rows).execute();
}
