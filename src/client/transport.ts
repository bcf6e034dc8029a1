import { ClientError, errorOfResponse } from "./client-error.ts";
import { pause } from "./pause.ts";

/** How a single call may be steered by its caller. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Longest time until the head of the answer, milliseconds. */
  timeoutMs?: number | undefined;
  /** Given by a caller who repeats a call across processes; made afresh otherwise. */
  idempotencyKey?: string | undefined;
}

export interface Call {
  method: "GET" | "POST";
  /** Made with `pathOf`, so that every part is encoded. */
  path: string;
  /** A list is sent as the same name again and again. */
  query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  body?: unknown;
  accept?: string;
  /** Of an event stream: the last event that was read. */
  lastEventId?: string | undefined;
  /** RFC 7240: seconds that the server may hold the answer back. */
  waitSeconds?: number | undefined;
  /** A step that cannot be taken twice and has no idempotency key: not repeated after a broken connection. */
  once?: boolean;
  options?: CallOptions | undefined;
}

export type Send = (call: Call) => Promise<Response>;

export interface TransportOptions {
  /** Address of the server, e.g. `http://127.0.0.1:8700`. */
  url: string;
  token?: string | undefined;
  /** In which language findings and reasons are wanted; English otherwise. */
  language?: "zh" | "en" | undefined;
  /** Defaults to the platform's fetch (in Node: its own build of undici, without the cost of loading another). */
  fetch?: typeof globalThis.fetch | undefined;
  timeoutMs?: number | undefined;
  /** Repetitions after the first try of a call that may be repeated. */
  retries?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 4;
/** A server that asks for more patience than this is reported instead of waited for. */
const MAX_RETRY_AFTER_MS = 20_000;
const RETRY_STATUSES: ReadonlySet<number> = new Set([429, 503]);

/**
 * One HTTP call with its time limit and bounded repetition. A GET changes nothing and a POST that creates something
 * carries an idempotency key, so both are repeated when the connection failed; an answer 429 or 503 that says when
 * to come back did nothing yet, so every call is repeated after it.
 */
export function createTransport(options: TransportOptions): Send {
  const base = parseBase(options.url);
  const retries = options.retries ?? DEFAULT_RETRIES;
  return async function send(call) {
    const request = requestOf(call, options);
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= retries;
      const outcome = await attemptOnce({ base, call, request, options });
      if (outcome instanceof ClientError) {
        if (last || call.once || outcome.code !== "unreachable") throw outcome;
        await pause(connectDelayMs(attempt), call.options?.signal);
        continue;
      }
      if (outcome.ok) return outcome;
      const delayMs = last ? undefined : retryDelayMs(outcome);
      if (delayMs === undefined) throw await errorOfResponse(outcome);
      await outcome.body?.cancel();
      await pause(delayMs, call.options?.signal);
    }
  };
}

/** A path with each interpolated part encoded, so that an identifier cannot change the route. */
export function pathOf(strings: TemplateStringsArray, ...parts: string[]): string {
  return strings.map((text, index) => text + (index < parts.length ? encodePart(parts[index] ?? "") : "")).join("");
}

function encodePart(part: string): string {
  if (part === "" || part === "." || part === "..") throw new ClientError("bad_identifier", "An identifier is empty");
  return encodeURIComponent(part);
}

interface Attempt {
  base: URL;
  call: Call;
  request: RequestInit;
  options: TransportOptions;
}

async function attemptOnce({ base, call, request, options }: Attempt): Promise<Response | ClientError> {
  const doFetch = options.fetch ?? globalThis.fetch;
  const waitMs = (call.waitSeconds ?? 0) * 1000;
  const limitMs = waitMs + (call.options?.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  const signals = call.options?.signal ? [limit.signal, call.options.signal] : [limit.signal];
  try {
    // The time limit ends with the head of the answer; the caller's signal holds for the body too.
    return await doFetch(addressOf(base, call), { ...request, signal: AbortSignal.any(signals) });
  } catch (error) {
    if (call.options?.signal?.aborted) throw call.options.signal.reason;
    if (limit.signal.aborted) return new ClientError("timed_out", `No answer within ${limitMs} ms`, { cause: error });
    return new ClientError("unreachable", `No connection to ${base.origin}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function requestOf(call: Call, { token, language }: TransportOptions): RequestInit {
  const headers: Record<string, string> = { accept: call.accept ?? "application/json" };
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  if (language !== undefined) headers["accept-language"] = language;
  if (call.lastEventId !== undefined) headers["last-event-id"] = call.lastEventId;
  if (call.waitSeconds) headers["prefer"] = `wait=${call.waitSeconds}`;
  if (call.method === "POST") headers["idempotency-key"] = call.options?.idempotencyKey ?? crypto.randomUUID();
  if (call.body === undefined) return { method: call.method, headers, redirect: "error" };
  headers["content-type"] = "application/json";
  return { method: call.method, headers, body: JSON.stringify(call.body), redirect: "error" };
}

function addressOf(base: URL, call: Call): URL {
  const address = new URL(base.pathname.replace(/\/$/, "") + call.path, base);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value === undefined) continue;
    if (typeof value === "object") for (const item of value) address.searchParams.append(name, item);
    else address.searchParams.set(name, String(value));
  }
  return address;
}

function parseBase(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base && (base.protocol === "http:" || base.protocol === "https:")) return base;
  throw new ClientError("bad_address", "The server address must be an http or https URL");
}

/** Milliseconds to wait before the next try; undefined when the answer is final. */
function retryDelayMs(response: Response): number | undefined {
  if (!RETRY_STATUSES.has(response.status)) return undefined;
  const header = response.headers.get("retry-after");
  if (header === null) return undefined;
  const delayMs = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  if (Number.isNaN(delayMs) || delayMs > MAX_RETRY_AFTER_MS) return undefined;
  return Math.max(0, delayMs);
}

function connectDelayMs(attempt: number): number {
  return Math.min(2000, 50 * 2 ** attempt) * (0.75 + Math.random() / 2);
}

/** The answer's JSON. Its form is the server's contract; it is not checked again here. */
export async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (cause) {
    throw new ClientError("bad_answer", "The server's answer is not JSON", { status: response.status, cause });
  }
}
