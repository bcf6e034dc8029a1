import type { ScenarioStep } from "#contract/scenario.ts";
import { AppError } from "#kernel/errors.ts";
import type { StepContext } from "./step-context.ts";
import { now } from "./step-context.ts";
import { stateAfter } from "./transition.ts";

/** Reads a scenario with its head agreement and keeps others from changing it until the transaction ends. */
export async function lockScenario(context: StepContext, id: string) {
  return requireFound(await scenarioQuery(context, id).forUpdate("scenarios").executeTakeFirst());
}

/** The same without the lock, for deciding whether there is anything to do. */
export async function readScenario(context: StepContext, id: string) {
  return requireFound(await scenarioQuery(context, id).executeTakeFirst());
}

export type LockedScenario = Awaited<ReturnType<typeof lockScenario>>;

function scenarioQuery(context: StepContext, id: string) {
  return context.tx
    .selectFrom("scenarios")
    .innerJoin("head_agreements", "head_agreements.number", "scenarios.head_agreement")
    .selectAll("scenarios")
    .select(["head_agreements.operator", "head_agreements.valid_from", "head_agreements.valid_to"])
    .where("scenarios.id", "=", id);
}

function requireFound<T>(row: T | undefined): T {
  if (!row) throw new AppError("not_found", "There is no such scenario");
  return row;
}

/** Takes a step: the state follows the transition table, nothing else sets it. */
export async function advance(
  context: StepContext,
  scenario: LockedScenario,
  change: { step: ScenarioStep; agreement?: string | null; opinion?: string | null },
): Promise<void> {
  const { step, ...pointers } = change;
  const after = stateAfter(step, scenario);
  await context.tx
    .updateTable("scenarios")
    .set({ ...after, ...pointers, updated_at: now(context) })
    .where("id", "=", scenario.id)
    .execute();
}

/** Products of the scenario in the declared order. */
export async function productsOf(context: Pick<StepContext, "tx">, scenario: string): Promise<string[]> {
  const rows = await context.tx
    .selectFrom("scenario_products")
    .select("product")
    .where("scenario", "=", scenario)
    .orderBy("position")
    .execute();
  return rows.map((row) => row.product);
}
