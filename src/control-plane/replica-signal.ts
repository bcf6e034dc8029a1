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
  { id, log }: { id: string; log: Logger },
): Promise<ReplicaSignal> {
  const signal = createJobSignal();
  // the embedded database has no other process
  if (handle.kind === "embedded") return { signal, close: async () => undefined };
  const stop = await handle.listen(CHANNEL, (payload) => hear(signal, id, payload));
  const teller = createTeller(handle, id, log);
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
      await teller.flush();
      await stop();
    },
  };
}

/** Another replica may be of another version: what is not understood is left to the next look. */
function hear(signal: JobSignal, own: string, payload: string): void {
  const news = parseNews(payload);
  if (!news || news.from === own) return;
  for (const kind of news.work) signal.work(kind);
  if (news.security) signal.security();
  for (const { id, event } of news.jobs) signal.job(id, event);
}

function parseNews(payload: string): News | undefined {
  try {
    const news: unknown = JSON.parse(payload);
    return Value.Check(News, news) ? news : undefined;
  } catch {
    return undefined;
  }
}

type Telling = { work?: WorkKind; security?: true; job?: News["jobs"][number] };

function createTeller({ db }: DatabaseHandle, from: string, log: Logger) {
  let news: News = { from, work: [], security: false, jobs: [] };
  let timer: NodeJS.Timeout | undefined;
  const flush = async () => {
    clearTimeout(timer);
    timer = undefined;
    const gathered = news;
    news = { from, work: [], security: false, jobs: [] };
    try {
      for (const message of messagesOf(gathered)) {
        await sql`select pg_notify(${CHANNEL}, ${JSON.stringify(message)})`.execute(db);
      }
    } catch (error) {
      log.warn({ err: error }, "the other replicas were not woken; they look by themselves");
    }
  };
  return {
    flush,
    tell: ({ work, security, job }: Telling) => {
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
