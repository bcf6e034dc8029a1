import { OPINION_TRANSITIONS } from "#contract/scenario.ts";
import type { LockedScenario } from "./locked-scenario.ts";
import { moveOpinion } from "./opinion-move.ts";
import type { StepContext } from "./step-context.ts";
import { now, recordStep } from "./step-context.ts";

/**
 * Ends the scenario's opinion, if it has one: `supersede` when other terms take its place, `withdraw` when the
 * scenario ends. A filing of it that is under way is archived, so that nobody can accept it any more.
 */
export async function endOpinion(
  context: StepContext,
  scenario: LockedScenario,
  how: "supersede" | "withdraw",
): Promise<void> {
  if (scenario.opinion === null) return;
  const ended = await moveOpinion(context, { id: scenario.opinion, step: how, set: { ended_at: now(context) } });
  if (!ended) return;
  await archiveFilings(context, scenario.opinion);
  const detail = { scenario: scenario.id, number: ended.number };
  const { to } = OPINION_TRANSITIONS[how];
  await recordStep(context, { action: `opinion.${to}`, kind: "opinion", id: scenario.opinion, detail });
}

/** Closes filings that nobody decided on and whose subject is gone. */
export async function archiveFilings(context: StepContext, subject: string): Promise<void> {
  const archived = await context.tx
    .updateTable("filings")
    .set({ state: "archived" })
    .where("subject", "=", subject)
    .where("state", "in", ["prepared", "submitted"])
    .returning(["id", "scenario"])
    .execute();
  for (const { id, scenario } of archived) {
    await recordStep(context, { action: "filing.archived", kind: "filing", id, detail: { scenario } });
  }
}
