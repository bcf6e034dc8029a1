import { rootCertificates } from "node:tls";
import { type Dispatcher, Pool } from "undici";
import { encodeFrame, FrameDecoder } from "#contract/frame.ts";
import type { LeaseProgress, LeaseRequest, Offer, Report, ReportAnswer } from "#contract/runner.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import type { Authorize } from "./credential.ts";
import type { FetchFile } from "./product-cache.ts";

export interface Leased {
  offer: Offer;
  /** The bytes of a render offer. */
  bytes: Uint8Array | undefined;
}

export interface ReportedEnd {
  report: Report;
  parts: readonly Uint8Array[];
  next?: LeaseRequest | undefined;
}

export interface ReportAnswered {
  /** Whether the lease still held: what comes too late changes nothing. */
  accepted: boolean;
  leased: Leased[];
}

/** The control plane as a runner sees it: leases out, reports in, over a Unix socket or TLS. */
export interface ControlPlaneClient extends AsyncDisposable {
  lease(request: LeaseRequest, signal: AbortSignal): Promise<Leased[]>;
  heartbeat(lease: string): Promise<{ cancel: boolean }>;
  progress(lease: string, progress: LeaseProgress): Promise<void>;
  /** Answers also with what there is at that moment for `next`, a request for the place that the report gives free. */
  report(lease: string, end: ReportedEnd): Promise<ReportAnswered>;
  /** The rest of a product's file. */
  file: FetchFile;
}

export interface ControlPlaneAddress {
  origin: string;
  socketPath?: string;
  authorize: Authorize;
  /** Certificates that are believed besides those that Node brings, PEM. */
  ca?: string;
  /** How long an answer may take that is not waited for on purpose; by default ten seconds. */
  answerMs?: number;
}

/** A peer that is gone without a word, or a link that is down, gives no answer at all: then it is asked anew. */
const ANSWER_MS = 10_000;
/** The outputs of a job are sealed and stored before its report is answered. */
const REPORT_ANSWERS = 3;
/** As long as a control plane may take to come back; after that the lease has run out anyway. */
const REPORT_TRIES_MS = 60_000;
const LONGEST_PAUSE_MS = 2_000;
/** Answers that come again whatever is sent again. */
const FINAL_TRIES = 5;

export function createControlPlaneClient(address: ControlPlaneAddress): ControlPlaneClient {
  const { authorize, answerMs = ANSWER_MS } = address;
  const pool = createPool(address);
  const send = async ({ path, method, headers, waitMs = 0, ...rest }: Sent) => {
    const authorization = await authorize({ method, path });
    const times = { headersTimeout: waitMs + answerMs, bodyTimeout: answerMs };
    return pool.request({ path, method, headers: { ...headers, authorization }, ...times, ...rest });
  };
  const post = async (path: string, body: unknown, how: Pick<Sent, "signal" | "waitMs"> = {}) =>
    send({ path, method: "POST", headers: JSON_TYPE, body: JSON.stringify(body), ...how });
  const json = async <T>(path: string, body: unknown): Promise<T> => {
    const answer = await post(path, body);
    if (answer.statusCode >= 300) throw await failure(path, answer);
    return (await answer.body.json()) as T;
  };
  return {
    lease: async (request, signal) => {
      const answer = await post("/runner/v1/leases", request, { signal, waitMs: request.waitMs });
      if (answer.statusCode >= 300) throw await failure("lease", answer);
      return parseLeases(new Uint8Array(await answer.body.arrayBuffer()));
    },
    heartbeat: async (lease) => json(`/runner/v1/leases/${lease}/heartbeat`, {}),
    progress: async (lease, progress) => json(`/runner/v1/leases/${lease}/progress`, progress),
    report: async (lease, end) => sendReport(send, { lease, end, waitMs: (REPORT_ANSWERS - 1) * answerMs }),
    file: async (wish) => {
      const answer = await send(fileOf(wish));
      if (answer.statusCode !== (wish.start === 0 ? 200 : 206)) throw await failure("file", answer);
      return answer.body;
    },
    [Symbol.asyncDispose]: async () => pool.destroy(),
  };
}

async function sendReport(
  send: (sent: Sent) => Promise<Dispatcher.ResponseData>,
  { lease, end, waitMs }: { lease: string; end: ReportedEnd; waitMs: number },
): Promise<ReportAnswered> {
  const { report, parts, next } = end;
  return retry(async (attempt) => {
    // work is asked for once: what an answer that got lost offered is known to nobody
    const header = attempt === 1 ? { ...report, next } : report;
    const answer = await send({ ...reportOf(lease), body: Buffer.concat(encodeFrame({ ...header }, parts)), waitMs });
    if (answer.statusCode >= 300) throw await failure("report", answer);
    const { accepted, offers = [] } = (await answer.body.json()) as ReportAnswer;
    return { accepted, leased: offers.map((offer) => ({ offer, bytes: undefined })) };
  });
}

function reportOf(lease: string) {
  return { path: `/runner/v1/leases/${lease}/report`, method: "POST" as const, headers: FRAME_TYPE };
}

function fileOf({ lease, digest, start }: Parameters<FetchFile>[0]) {
  const headers: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` };
  return { path: `/runner/v1/leases/${lease}/files/${digest}`, method: "GET" as const, headers };
}

const JSON_TYPE = { "content-type": "application/json" };
const FRAME_TYPE = { "content-type": "application/vnd.sluice.frame" };

interface Sent {
  path: string;
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string | Buffer;
  signal?: AbortSignal;
  /** For how long the control plane may wait before it answers. */
  waitMs?: number;
}

/** Connections to the control plane; also for what a node says before it is one. */
export function createPool({
  origin,
  socketPath,
  ca,
}: Pick<ControlPlaneAddress, "origin" | "socketPath" | "ca">): Pool {
  const trust = ca === undefined ? {} : { connect: { ca: [...rootCertificates, ca] } };
  return new Pool(origin, { connections: 32, ...trust, ...(socketPath === undefined ? {} : { socketPath }) });
}

async function failure(
  what: string,
  answer: { statusCode: number; body: { text(): Promise<string> } },
): Promise<AppError> {
  const cause = await answer.body.text();
  if (answer.statusCode === 401) return new AppError("unauthenticated", `${what}: this runner is not known`, { cause });
  // 503: it cannot work now, and says nothing about what was sent
  const code = answer.statusCode === 503 ? "runner_unavailable" : "internal";
  return new AppError(code, `${what}: the control plane answered ${answer.statusCode}`, { cause });
}

function parseLeases(bytes: Uint8Array): Leased[] {
  const [frame] = new FrameDecoder().push(bytes);
  const offers = frame?.header["offers"];
  if (!frame || !Array.isArray(offers)) throw new AppError("frame_invalid");
  const parts = [...frame.parts];
  return (offers as Offer[]).map((offer) => ({ offer, bytes: offer.kind === "render" ? parts.shift() : undefined }));
}

/** A report is the only copy of the work: try again while the control plane, or its database, may come back. */
async function retry<T>(send: (attempt: number) => Promise<T>): Promise<T> {
  const end = performance.now() + REPORT_TRIES_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(attempt);
    } catch (error) {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, 100 * 2 ** attempt);
      const isFinal = isAppError(error, "internal") && attempt >= FINAL_TRIES;
      // a runner that was revoked has nothing more to say
      if (isFinal || isAppError(error, "unauthenticated") || performance.now() + pauseMs > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
