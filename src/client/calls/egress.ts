import type { EgressCreate, EgressRequestView, EgressState, ReviewCreate } from "#contract/egress.ts";
import type { ReleaseFormat, ReleaseView } from "#contract/release.ts";
import type { FilingView } from "#contract/scenario.ts";
import { eachItem, type PageOf, type PageOptions } from "../pages.ts";
import { pathOf, readJson, type CallOptions, type Send } from "../transport.ts";

export interface EgressFilter {
  state?: EgressState | undefined;
}

export interface EgressCalls {
  request(spec: EgressCreate, options?: CallOptions): Promise<EgressRequestView>;
  get(id: string, options?: CallOptions): Promise<EgressRequestView>;
  page(options?: PageOptions & EgressFilter): Promise<PageOf<EgressRequestView>>;
  list(options?: PageOptions & EgressFilter): AsyncIterable<EgressRequestView>;
  review(id: string, review: ReviewCreate, options?: CallOptions): Promise<EgressRequestView>;
  /** First rows of what is asked for, as computed: for reviewers; each view is recorded. */
  content(id: string, format: ReleaseFormat, options?: ContentOptions & { rows?: number }): Promise<Response>;
}

export function egressCalls(send: Send): EgressCalls {
  const page: EgressCalls["page"] = async (query) =>
    readJson(await send({ method: "GET", path: "/v1/egress-requests", query: { ...query } }));
  return {
    page,
    list: (query) => eachItem((at) => page({ ...query, ...at }), query),
    get: async (id, options) =>
      readJson(await send({ method: "GET", path: pathOf`/v1/egress-requests/${id}`, options })),
    request: async (spec, options) =>
      readJson(await send({ method: "POST", path: "/v1/egress-requests", body: spec, options })),
    content: (id, format, options) =>
      send({
        method: "GET",
        path: pathOf`/v1/egress-requests/${id}/content`,
        query: { output: options?.output, rows: options?.rows },
        accept: ACCEPT[format],
        options,
      }),
    review: async (id, review, options) =>
      readJson(await send({ method: "POST", path: pathOf`/v1/egress-requests/${id}/reviews`, body: review, options })),
  };
}

/** What each format is asked for by (`MEDIA_TYPE` of the contract, without loading its schemas). */
export const ACCEPT = {
  arrow: "application/vnd.apache.arrow.stream",
  csv: "text/csv",
  json: "application/json",
  parquet: "application/vnd.apache.parquet",
} as const satisfies Record<ReleaseFormat, string>;

export interface ContentOptions extends CallOptions {
  /** Which output, when the release has several; the first otherwise. */
  output?: string | undefined;
}

export interface ReleaseCalls {
  get(id: string, options?: CallOptions): Promise<ReleaseView>;
  page(options?: PageOptions): Promise<PageOf<ReleaseView>>;
  list(options?: PageOptions): AsyncIterable<ReleaseView>;
  /** The released bytes; the body is not read yet. */
  content(id: string, format: ReleaseFormat, options?: ContentOptions): Promise<Response>;
  dossier(id: string, options?: CallOptions): Promise<unknown>;
  revoke(id: string, reason: string, options?: CallOptions): Promise<ReleaseView>;
}

export function releaseCalls(send: Send): ReleaseCalls {
  const page: ReleaseCalls["page"] = async (query) =>
    readJson(await send({ method: "GET", path: "/v1/releases", query: { ...query } }));
  return {
    page,
    list: (query) => eachItem((at) => page({ ...query, ...at }), query),
    get: async (id, options) => readJson(await send({ method: "GET", path: pathOf`/v1/releases/${id}`, options })),
    content: (id, format, options) =>
      send({
        method: "GET",
        path: pathOf`/v1/releases/${id}/content`,
        query: { output: options?.output },
        accept: ACCEPT[format],
        options,
      }),
    dossier: async (id, options) =>
      readJson(await send({ method: "GET", path: pathOf`/v1/releases/${id}/dossier`, options })),
    revoke: async (id, reason, options) => {
      const call = { method: "POST", path: pathOf`/v1/releases/${id}/revoke`, body: { reason }, once: true } as const;
      return readJson(await send({ ...call, options }));
    },
  };
}

export interface FilingCalls {
  page(options?: PageOptions): Promise<PageOf<FilingView>>;
  list(options?: PageOptions): AsyncIterable<FilingView>;
  accept(id: string, comment?: string): Promise<FilingView>;
  return(id: string, comment: string): Promise<FilingView>;
}

export function filingCalls(send: Send): FilingCalls {
  const page: FilingCalls["page"] = async (query) =>
    readJson(await send({ method: "GET", path: "/v1/filings", query: { ...query } }));
  const decide = async (id: string, decision: string, comment?: string): Promise<FilingView> => {
    const body = comment === undefined ? {} : { comment };
    return readJson(await send({ method: "POST", path: pathOf`/v1/filings/${id}/${decision}`, body }));
  };
  return {
    page,
    list: (query) => eachItem((at) => page({ ...query, ...at }), query),
    accept: (id, comment) => decide(id, "accept", comment),
    return: (id, comment) => decide(id, "return", comment),
  };
}
