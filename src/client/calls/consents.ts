import type { ConsentCreate, ConsentView } from "#contract/consent.ts";
import { pathOf, readJson, type CallOptions, type Send } from "../transport.ts";

export interface ConsentCalls {
  /** The word of every provider of the scenario's products. */
  list(scenario: string, options?: CallOptions): Promise<ConsentView[]>;
  /** Gives or withdraws the own organisation's consent. */
  decide(scenario: string, decision: ConsentCreate, options?: CallOptions): Promise<ConsentView[]>;
}

export function consentCalls(send: Send): ConsentCalls {
  return {
    list: async (scenario, options) => itemsOf(await send({ method: "GET", path: pathTo(scenario), options })),
    decide: async (scenario, body, options) =>
      itemsOf(await send({ method: "POST", path: pathTo(scenario), body, options })),
  };
}

const pathTo = (scenario: string): string => pathOf`/v1/scenarios/${scenario}/consents`;

async function itemsOf(response: Response): Promise<ConsentView[]> {
  return (await readJson<{ items: ConsentView[] }>(response)).items;
}
