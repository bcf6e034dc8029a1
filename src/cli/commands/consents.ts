import type { ConsentCreate, ConsentView } from "#contract/consent.ts";
import { connect } from "../connect.ts";
import { listOutcome } from "../list.ts";
import type { CommandBody, Outcome } from "../terminal.ts";

export const listConsents: CommandBody<object> = async ({ terminal, args: [scenario = ""] }) => {
  const client = await connect(terminal);
  return consentsOutcome(await client.consents.list(scenario));
};

export const decideConsent: CommandBody<ConsentCreate> = async ({ terminal, options, args: [scenario = ""] }) => {
  const client = await connect(terminal);
  const { decision, comment } = options;
  return consentsOutcome(await client.consents.decide(scenario, { decision, comment }));
};

function consentsOutcome(consents: readonly ConsentView[]): Outcome {
  return listOutcome(consents, {
    provider: ({ provider }) => provider,
    state: ({ state }) => state,
    comment: ({ comment }) => comment ?? "",
    by: ({ decidedBy }) => decidedBy ?? "",
    at: ({ decidedAt }) => decidedAt ?? "",
  });
}
