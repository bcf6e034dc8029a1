import { OPINION_TRANSITIONS, type OpinionStep, type ProductType } from "#contract/scenario.ts";
import type { OpinionRow } from "./rows.ts";
import type { StepContext } from "./step-context.ts";

export interface OpinionMove {
  id: string | null;
  step: OpinionStep;
  set?: Partial<{
    issued_at: Date;
    effective_at: Date;
    ended_at: Date;
    profile: string;
    outputs: ProductType[];
    recipients: string[];
    auto_release: boolean;
  }>;
}

/** Moves an opinion as its transition table says; undefined when its state does not allow the step. */
export async function moveOpinion(context: StepContext, move: OpinionMove): Promise<OpinionRow | undefined> {
  const { from, to } = OPINION_TRANSITIONS[move.step];
  return await context.tx
    .updateTable("opinions")
    .set({ ...move.set, state: to })
    .where("id", "=", move.id)
    .where("state", "in", from)
    .returningAll()
    .executeTakeFirst();
}
