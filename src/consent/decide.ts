import { type AuditContext, record } from "#audit/index.ts";
import type { ConsentCreate } from "#contract/consent.ts";
import { AppError } from "#kernel/errors.ts";
import { readLinkage } from "./read.ts";

export interface ConsentDecision extends ConsentCreate {
  scenario: string;
  provider: string;
}

/** Gives or withdraws a provider's consent. `not_found` to whoever provides nothing to the scenario. */
export async function decideConsent(context: AuditContext, decision: ConsentDecision): Promise<void> {
  const { tx, clock, actor } = context;
  const { scenario, provider, comment } = decision;
  const { providers, covers } = await readLinkage(tx, scenario);
  if (![...providers.values()].includes(provider)) throw new AppError("not_found");
  const state = decision.decision === "give" ? ("given" as const) : ("withdrawn" as const);
  const row = { state, covers, comment, decided_by: actor.id, decided_at: new Date(clock.nowMs()) };
  await tx
    .insertInto("join_consents")
    .values({ scenario, provider, ...row })
    .onConflict((conflict) => conflict.columns(["scenario", "provider"]).doUpdateSet(row))
    .execute();
  await record(context, {
    action: `consent.${state}`,
    subject: { kind: "scenario", id: scenario },
    detail: { provider, covers, comment },
  });
}
