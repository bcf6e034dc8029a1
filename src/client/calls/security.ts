import type {
  AlarmView,
  SecurityEvent,
  SecurityEventKind,
  Severity,
  SuspensionCreate,
  SuspensionView,
} from "#contract/security.ts";
import { ClientError } from "../client-error.ts";
import { readEventStream } from "../event-stream.ts";
import { eachItem, type PageOf, type PageOptions } from "../pages.ts";
import { pause } from "../pause.ts";
import { pathOf, readJson, type CallOptions, type Send } from "../transport.ts";

export interface SecurityEventFilter {
  job?: string | undefined;
  organisation?: string | undefined;
  scenario?: string | undefined;
  kind?: readonly SecurityEventKind[] | undefined;
  /** This severity and above. */
  severity?: Severity | undefined;
  /** ISO instants. */
  since?: string | undefined;
  until?: string | undefined;
  /** Part of the text, in any case. */
  text?: string | undefined;
}

export interface FollowOptions extends CallOptions {
  /** Number of the last event that was read; from now on otherwise. */
  after?: number | undefined;
}

export interface SecurityCalls {
  page(options?: PageOptions & SecurityEventFilter): Promise<PageOf<SecurityEvent>>;
  /** Newest first. */
  events(options?: PageOptions & SecurityEventFilter): AsyncIterable<SecurityEvent>;
  /** As they are written; goes on after a broken connection where it was. Ends with the signal. */
  follow(filter?: SecurityEventFilter, options?: FollowOptions): AsyncIterable<SecurityEvent>;
  /** Everything that the filter covers, oldest first, one JSON text a line; the body is not read yet. */
  export(filter?: SecurityEventFilter, options?: CallOptions): Promise<Response>;
  alarms(options?: PageOptions & { state?: AlarmView["state"] | undefined }): AsyncIterable<AlarmView>;
  acknowledge(alarm: string, comment: string): Promise<AlarmView>;
  suspensions(options?: PageOptions): AsyncIterable<SuspensionView>;
  suspend(suspension: SuspensionCreate, options?: CallOptions): Promise<SuspensionView>;
  lift(suspension: string, reason: string): Promise<SuspensionView>;
}

const EVENTS = "/v1/security/events";
const SUSPENSIONS = "/v1/security/suspensions";

export function securityCalls(send: Send): SecurityCalls {
  const list = async <T>(path: string, query: object): Promise<PageOf<T>> =>
    readJson(await send({ method: "GET", path, query: { ...query } }));
  const post = async <T>(path: string, body: object, options?: CallOptions): Promise<T> =>
    readJson(await send({ method: "POST", path, body, options }));
  const page: SecurityCalls["page"] = async (query) => list(EVENTS, query ?? {});
  return {
    page,
    events: (query) => eachItem(async (at) => page({ ...query, ...at }), query),
    follow: (filter, options) => follow(send, filter, options),
    export: async (filter, options) =>
      send({ method: "GET", path: EVENTS, query: { ...filter }, accept: "application/x-ndjson", options }),
    alarms: (query) => eachItem(async (at) => list("/v1/security/alarms", { ...query, ...at }), query),
    acknowledge: async (id, comment) => post(pathOf`/v1/security/alarms/${id}/acknowledge`, { comment }),
    suspensions: (query) => eachItem(async (at) => list(SUSPENSIONS, { ...query, ...at }), query),
    suspend: async (suspension, options) => post(SUSPENSIONS, suspension, options),
    lift: async (id, reason) => post(pathOf`/v1/security/suspensions/${id}/lift`, { reason }),
  };
}

const RECONNECT_MS = 500;

async function* follow(
  send: Send,
  filter: SecurityEventFilter = {},
  options: FollowOptions = {},
): AsyncGenerator<SecurityEvent, void> {
  const { after, ...call } = options;
  let lastEventId = after === undefined ? undefined : String(after);
  while (!call.signal?.aborted) {
    try {
      const query = { ...filter };
      const accept = "text/event-stream";
      const response = await send({ method: "GET", path: EVENTS, query, accept, lastEventId, options: call });
      for await (const { data, id } of readEventStream(response.body ?? emptyBody())) {
        yield parseEvent(data);
        lastEventId = id;
      }
    } catch (error) {
      if (call.signal?.aborted) return;
      // a connection that broke under the stream; a refusal or an unreachable server is told
      if (!(error instanceof TypeError)) throw error;
    }
    // quiet until the signal: an interrupted pause is the end, not a failure
    await pause(RECONNECT_MS, call.signal).catch(() => undefined);
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array, void> {}

function parseEvent(data: string): SecurityEvent {
  try {
    return JSON.parse(data) as SecurityEvent;
  } catch (cause) {
    throw new ClientError("bad_answer", "An event of the stream is not JSON", { cause });
  }
}
