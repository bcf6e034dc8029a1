import type { Organisation } from "#contract/organisation.ts";
import type { ProductSpec, ProductView } from "#contract/product.ts";
import type { ScenarioSpec, ScenarioView } from "#contract/scenario.ts";
import type { ApplyResult, Space } from "#contract/space.ts";
import { eachItem, type PageOf, type PageOptions } from "../pages.ts";
import { pathOf, readJson, type CallOptions, type Send } from "../transport.ts";

export interface ProductCalls {
  publish(spec: ProductSpec, options?: CallOptions): Promise<ProductView>;
  get(id: string, options?: CallOptions): Promise<ProductView>;
  page(options?: PageOptions): Promise<PageOf<ProductView>>;
  list(options?: PageOptions): AsyncIterable<ProductView>;
  /** Takes a published version out of use; no older one takes its place. */
  withdraw(id: string, version: string, reason: string): Promise<ProductView>;
}

export function productCalls(send: Send): ProductCalls {
  const page: ProductCalls["page"] = async (query) =>
    readJson(await send({ method: "GET", path: "/v1/products", query: { ...query } }));
  return {
    page,
    list: (query) => eachItem((at) => page({ ...query, ...at }), query),
    get: async (id, options) => readJson(await send({ method: "GET", path: pathOf`/v1/products/${id}`, options })),
    publish: async (spec, options) =>
      readJson(await send({ method: "POST", path: "/v1/products", body: spec, options })),
    withdraw: async (id, version, reason) => {
      const path = pathOf`/v1/products/${id}/versions/${version}/withdraw`;
      return readJson(await send({ method: "POST", path, body: { reason }, once: true }));
    },
  };
}

/** Steps of a scenario as the HTTP interface names them. */
export const SCENARIO_STEPS = [
  "approve",
  "reject",
  "sign",
  "file",
  "opinion",
  "file-opinion",
  "go-live",
  "suspend",
  "resume",
  "terminate",
] as const;
export type ScenarioStep = (typeof SCENARIO_STEPS)[number];

/** What a step is told: a reason, the number of an opinion, or a document; see the route's schema. */
export type StepBody = Readonly<Record<string, unknown>>;

export interface ScenarioCalls {
  propose(spec: ScenarioSpec, options?: CallOptions): Promise<ScenarioView>;
  get(id: string, options?: CallOptions): Promise<ScenarioView>;
  page(options?: PageOptions): Promise<PageOf<ScenarioView>>;
  list(options?: PageOptions): AsyncIterable<ScenarioView>;
  advance(id: string, step: ScenarioStep, body?: StepBody): Promise<ScenarioView>;
}

export function scenarioCalls(send: Send): ScenarioCalls {
  const page: ScenarioCalls["page"] = async (query) =>
    readJson(await send({ method: "GET", path: "/v1/scenarios", query: { ...query } }));
  return {
    page,
    list: (query) => eachItem((at) => page({ ...query, ...at }), query),
    get: async (id, options) => readJson(await send({ method: "GET", path: pathOf`/v1/scenarios/${id}`, options })),
    propose: async (spec, options) =>
      readJson(await send({ method: "POST", path: "/v1/scenarios", body: spec, options })),
    advance: async (id, step, body = {}) =>
      readJson(await send({ method: "POST", path: pathOf`/v1/scenarios/${id}/${step}`, body })),
  };
}

export interface SpaceCalls {
  apply(space: Space, options?: CallOptions & { development?: boolean }): Promise<ApplyResult>;
}

export function spaceCalls(send: Send): SpaceCalls {
  return {
    apply: async (space, options) => {
      const body = { space, ...(options?.development ? { development: true } : {}) };
      return readJson(await send({ method: "POST", path: "/v1/space/apply", body, options }));
    },
  };
}

export interface OrganisationCalls {
  page(options?: PageOptions): Promise<PageOf<Organisation>>;
  list(options?: PageOptions): AsyncIterable<Organisation>;
}

export function organisationCalls(send: Send): OrganisationCalls {
  const page: OrganisationCalls["page"] = async (query) =>
    readJson(await send({ method: "GET", path: "/v1/organisations", query: { ...query } }));
  return { page, list: (query) => eachItem((at) => page({ ...query, ...at }), query) };
}
