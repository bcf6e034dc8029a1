import type { JobEvent, JobState, JobSubmit, JobView, LogLine } from "#contract/job.ts";
import { ClientError } from "../client-error.ts";
import { readEventStream } from "../event-stream.ts";
import { eachItem, type PageOf, type PageOptions } from "../pages.ts";
import { pause } from "../pause.ts";
import { pathOf, readJson, type CallOptions, type Send } from "../transport.ts";

export interface JobFilter {
  scenario?: string | undefined;
  state?: JobState | undefined;
}

export interface WaitOptions extends CallOptions {
  /** Longest time to wait for the end of the job, milliseconds; the default is an hour. */
  withinMs?: number;
  /** Called with each state that was seen. */
  onState?: (job: JobView) => void;
}

export interface JobCalls {
  /** Submits; with `waitSeconds` the server holds its answer until the job ended or the time is over. */
  submit(spec: JobSubmit, options?: CallOptions & { waitSeconds?: number }): Promise<JobView>;
  get(id: string, options?: CallOptions): Promise<JobView>;
  page(options?: PageOptions & JobFilter): Promise<PageOf<JobView>>;
  list(options?: PageOptions & JobFilter): AsyncIterable<JobView>;
  cancel(id: string, options?: CallOptions): Promise<JobView>;
  log(id: string, options?: CallOptions): Promise<LogLine[]>;
  /** States and progress as they happen; ends with the job. */
  events(id: string, options?: CallOptions): AsyncIterable<JobEvent>;
  /** Resolves when the job has ended and its egress verdict is known; `timed_out` when it takes longer. */
  wait(id: string, options?: WaitOptions): Promise<JobView>;
}

export function jobCalls(send: Send): JobCalls {
  const get: JobCalls["get"] = async (id, options) =>
    readJson(await send({ method: "GET", path: pathOf`/v1/jobs/${id}`, options }));
  const page: JobCalls["page"] = async (query) =>
    readJson(await send({ method: "GET", path: "/v1/jobs", query: { ...query } }));
  return {
    get,
    page,
    list: (query) => eachItem((at) => page({ ...query, ...at }), query),
    submit: async (spec, options) =>
      readJson(
        await send({ method: "POST", path: "/v1/jobs", body: spec, waitSeconds: options?.waitSeconds, options }),
      ),
    cancel: async (id, options) =>
      readJson(await send({ method: "POST", path: pathOf`/v1/jobs/${id}/cancel`, once: true, options })),
    log: async (id, options) => {
      const response = await send({ method: "GET", path: pathOf`/v1/jobs/${id}/log`, options });
      return (await readJson<PageOf<LogLine>>(response)).items;
    },
    events: (id, options) => readJobEvents(send, id, options),
    wait: (id, options) => waitForEnd(get, id, options),
  };
}

const ENDED: readonly string[] = ["succeeded", "failed", "cancelled"] satisfies JobState[];

/** The job has ended and egress has said what becomes of its result. */
export function isSettled(job: JobView): boolean {
  return ENDED.includes(job.state) && (job.state !== "succeeded" || job.egress.verdict !== "pending");
}

async function* readJobEvents(send: Send, id: string, options?: CallOptions): AsyncGenerator<JobEvent, void> {
  const path = pathOf`/v1/jobs/${id}/events`;
  const response = await send({ method: "GET", path, accept: "text/event-stream", options });
  if (!response.body) throw new ClientError("bad_answer", "The event stream has no body", { status: response.status });
  for await (const { data } of readEventStream(response.body)) yield parseEvent(data);
}

function parseEvent(data: string): JobEvent {
  try {
    return JSON.parse(data) as JobEvent;
  } catch (cause) {
    throw new ClientError("bad_answer", "An event of the stream is not JSON", { cause });
  }
}

const DEFAULT_WAIT_MS = 3_600_000;
const FIRST_POLL_MS = 15;
const LAST_POLL_MS = 1000;

async function waitForEnd(get: JobCalls["get"], id: string, options: WaitOptions = {}): Promise<JobView> {
  const endMs = Date.now() + (options.withinMs ?? DEFAULT_WAIT_MS);
  let delayMs = FIRST_POLL_MS;
  for (;;) {
    const job = await get(id, options);
    options.onState?.(job);
    if (isSettled(job)) return job;
    if (Date.now() >= endMs) throw new ClientError("timed_out", `${id} has not ended yet`);
    await pause(Math.min(delayMs, Math.max(0, endMs - Date.now())), options.signal);
    delayMs = Math.min(LAST_POLL_MS, delayMs * 1.5);
  }
}
