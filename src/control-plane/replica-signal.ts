import { sql } from "kysely";
import type { Logger } from "pino";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { JobEvent } from "#contract/job.ts";
import { WorkKind } from "#contract/runner.ts";
import type { DatabaseHandle } from "#persistence/index.ts";
import { createJobSignal, type JobSignal } from "./job-signal.ts";

const CHANNEL = "sluice_signal";
/** Wake-ups of so many milliseconds travel together. */
const GATHER_MS = 5;
/** A replica says this often that it is there. */
const HELLO_EVERY_MS = 5_000;
/** PostgreSQL takes payloads below 8,000 bytes. */
const JOBS_A_MESSAGE = 40;

const News = Type.Object({
  from: Type.String(),
  work: Type.Array(WorkKind),
  security: Type.Boolean(),
  jobs: Type.Array(Type.Object({ id: Type.String(), event: JobEvent })),
});
type News = Type.Static<typeof News>;

export interface ReplicaSignal {
  signal: JobSignal;
  close(): Promise<void>;
}

/**
 * The wake-up of this process, which also wakes the other replicas and is woken by them. A hint to look and no more:
 * whoever waits looks by himself now and then, so that a lost one costs time and nothing else.
 */
export async function createReplicaSignal(
  handle: DatabaseHandle,
  { id, log, helloEveryMs = HELLO_EVERY_MS }: { id: string; log: Logger; helloEveryMs?: number },
): Promise<ReplicaSignal> {
  const signal = createJobSignal();
  // the embedded database has no other process
  if (handle.kind === "embedded") return { signal, close: async () => undefined };
  const others = createOthers(helloEveryMs);
  const stop = await handle.listen(CHANNEL, (payload) => {
    const news = parseNews(payload);
    if (!news || news.from === id) return;
    others.heard();
    hear(signal, news);
  });
  const teller = createTeller(handle, { from: id, log, areThere: others.areThere });
  const hello = setInterval(() => void teller.hello(), helloEveryMs).unref();
  await teller.hello();
  return {
    signal: {
      ...signal,
      work: (kind) => {
        signal.work(kind);
        teller.tell({ work: kind });
      },
      security: () => {
        signal.security();
        teller.tell({ security: true });
      },
      job: (job, event) => {
        signal.job(job, event);
        teller.tell({ job: { id: job, event } });
      },
    },
    close: async () => {
      clearInterval(hello);
      await teller.flush();
      await stop();
    },
  };
}

/** Whether there are other replicas, as far as was heard: until it can be known, and while one was heard a short time ago. */
function createOthers(helloEveryMs: number) {
  let heardMs = performance.now();
  return {
    heard: () => void (heardMs = performance.now()),
    areThere: () => performance.now() - heardMs < 3.5 * helloEveryMs,
  };
}

function hear(signal: JobSignal, news: News): void {
  for (const kind of news.work) signal.work(kind);
  if (news.security) signal.security();
  for (const { id, event } of news.jobs) signal.job(id, event);
}

/** Another replica may be of another version: what is not understood is left to the next look. */
function parseNews(payload: string): News | undefined {
  try {
    const news: unknown = JSON.parse(payload);
    return Value.Check(News, news) ? news : undefined;
  } catch {
    return undefined;
  }
}

type Telling = { work?: WorkKind; security?: true; job?: News["jobs"][number] };

interface TellerOptions {
  from: string;
  log: Logger;
  /** Nobody is told of anything while there is nobody else. */
  areThere(): boolean;
}

function createTeller({ db }: DatabaseHandle, { from, log, areThere }: TellerOptions) {
  const none = (): News => ({ from, work: [], security: false, jobs: [] });
  let news = none();
  let timer: NodeJS.Timeout | undefined;
  const send = async (messages: readonly News[]) => {
    try {
      for (const message of messages) {
        await sql`select pg_notify(${CHANNEL}, ${JSON.stringify(message)})`.execute(db);
      }
    } catch (error) {
      log.warn({ err: error }, "the other replicas were not woken; they look by themselves");
    }
  };
  const flush = async () => {
    clearTimeout(timer);
    timer = undefined;
    const gathered = news;
    news = none();
    await send(messagesOf(gathered));
  };
  return {
    flush,
    hello: async () => send([none()]),
    tell: ({ work, security, job }: Telling) => {
      if (!areThere()) return;
      if (work && !news.work.includes(work)) news.work.push(work);
      if (security) news.security = true;
      if (job) news.jobs.push(job);
      timer ??= setTimeout(() => void flush(), GATHER_MS);
    },
  };
}

function messagesOf({ jobs, ...rest }: News): News[] {
  const first = { ...rest, jobs: jobs.slice(0, JOBS_A_MESSAGE) };
  const messages = rest.work.length > 0 || rest.security || jobs.length > 0 ? [first] : [];
  for (let at = JOBS_A_MESSAGE; at < jobs.length; at += JOBS_A_MESSAGE) {
    messages.push({ ...rest, work: [], security: false, jobs: jobs.slice(at, at + JOBS_A_MESSAGE) });
  }
  return messages;
}
