import type { FilingView } from "#contract/scenario.ts";
import { AppError } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";
import { requireImplementingBody } from "./actors.ts";
import { toFilingView } from "./filing-view.ts";
import { advance, lockScenario, type LockedScenario } from "./locked-scenario.ts";
import { moveOpinion } from "./opinion-move.ts";
import type { FilingRow } from "./rows.ts";
import type { StepContext } from "./step-context.ts";
import { now, recordStep } from "./step-context.ts";
import { refuseStep } from "./transition.ts";

export interface FilingSubject {
  kind: "agreement" | "opinion";
  scenario: string;
  /** Identifier of the agreement or opinion, and the number that people know it by. */
  subject: string;
  number: string;
  contentDigest: string;
}

/** Prepares and submits a filing with the implementing body. */
export async function submitFiling(context: StepContext, filing: FilingSubject): Promise<string> {
  const id = createId("filing", context.clock.nowMs());
  const { kind, scenario, subject, number, contentDigest } = filing;
  const at = now(context);
  await context.tx
    .insertInto("filings")
    .values({
      id,
      kind,
      scenario,
      subject,
      number,
      content_digest: contentDigest,
      state: "submitted",
      prepared_at: at,
      submitted_at: at,
    })
    .execute();
  const detail = { filing: kind, scenario, number, contentDigest };
  await recordStep(context, { action: "filing.submitted", kind: "filing", id, detail });
  return id;
}

export type FilingDecision = { filing: string } & (
  | { decision: "accept"; comment?: string | undefined }
  | { decision: "return"; comment: string }
);

/**
 * The implementing body takes the filing on record, or sends it back to be put right and filed again. Accepting is no
 * approval of what it says: an agreement's lets the developer build, an opinion's is what a go-live may then cite.
 */
export async function decideFiling(context: StepContext, decision: FilingDecision): Promise<FilingView> {
  const { filing, scenario } = await decide(context, decision);
  const isAccepted = decision.decision === "accept";
  if (filing.kind === "opinion") await requireMove(context, filing, decision.decision);
  if (filing.kind === "agreement")
    await advance(context, scenario, { step: isAccepted ? "build" : "return_agreement" });
  else if (!isAccepted) await advance(context, scenario, { step: "return_opinion" });
  return toFilingView(filing);
}

async function decide(context: StepContext, decision: FilingDecision) {
  const state = decision.decision === "accept" ? "accepted" : "returned";
  const known = await context.tx
    .selectFrom("filings")
    .select("scenario")
    .where("id", "=", decision.filing)
    .executeTakeFirst();
  if (!known) throw new AppError("not_found", "There is no such filing");
  // The scenario is locked before the filing, as every other step does it.
  const scenario = await lockScenario(context, known.scenario);
  requireImplementingBody(context);
  const filing = await context.tx
    .updateTable("filings")
    .set({ state, decided_at: now(context), decided_by: context.actor.id, comment: decision.comment ?? null })
    .where("id", "=", decision.filing)
    .where("state", "=", "submitted")
    .returningAll()
    .executeTakeFirst();
  if (!filing) refuseStep("filing_decided", "The filing was decided on or archived already");
  requireUnderWay(scenario, filing);
  const { kind, number } = filing;
  await recordStep(context, {
    action: `filing.${state}`,
    kind: "filing",
    id: filing.id,
    detail: { filing: kind, scenario: scenario.id, number },
  });
  return { filing, scenario };
}

function requireUnderWay(scenario: LockedScenario, filing: FilingRow): void {
  const wanted = filing.kind === "agreement" ? "filed" : "opinion_filed";
  const current = filing.kind === "agreement" ? scenario.agreement : scenario.opinion;
  if (scenario.state !== wanted || current !== filing.subject) {
    refuseStep("filing_not_under_way", "The scenario is not waiting for this filing");
  }
}

async function requireMove(context: StepContext, filing: FilingRow, step: "accept" | "return"): Promise<void> {
  const moved = await moveOpinion(context, { id: filing.subject, step });
  if (!moved) refuseStep("opinion_not_filed", "The opinion is not under filing");
}
