import type { PolicyBundleSummary, PolicyBundleText, PolicyRecord } from "#contract/policy.ts";
import { pathOf, readJson, type CallOptions, type Send } from "../transport.ts";

export interface PolicyCalls {
  /** Bundles that decided, the newest first. */
  list(options?: CallOptions): Promise<PolicyBundleSummary[]>;
  /** The very texts of one. */
  get(digest: string, options?: CallOptions): Promise<PolicyBundleText>;
  /** What the policies were asked about an egress request, and what they said. */
  record(request: string, options?: CallOptions): Promise<PolicyRecord>;
}

export function policyCalls(send: Send): PolicyCalls {
  return {
    list: async (options) => {
      const { items } = await readJson<{ items: PolicyBundleSummary[] }>(
        await send({ method: "GET", path: "/v1/policies", options }),
      );
      return items;
    },
    get: async (digest, options) =>
      readJson(await send({ method: "GET", path: pathOf`/v1/policies/${digest}`, options })),
    record: async (request, options) =>
      readJson(await send({ method: "GET", path: pathOf`/v1/egress-requests/${request}/decisions`, options })),
  };
}
