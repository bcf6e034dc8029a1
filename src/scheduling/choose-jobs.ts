import type { JobClass } from "#contract/job.ts";

/** A job that waits, as far as its turn depends on it. */
export interface WaitingJob {
  id: string;
  organisation: string;
  scenario: string;
  class: JobClass;
  submittedAtMs: number;
}

/** What an organisation has of the runners now. */
export interface OrganisationLoad {
  organisation: string;
  /** Its share, 1 to 100. */
  weight: number;
  /** Processor milliseconds of its ended jobs, halved with every half-life. */
  recentMs: number;
  /** When its last job ended that used any; undefined where nothing is known of one. */
  usedAtMs: number | undefined;
  /** Jobs with a runner, and how long they have run, each counted as `LEAST_CHARGE_MS` at least. */
  running: number;
  runningMs: number;
}

/** What a runner has free. */
export interface FreePlace {
  nowMs: number;
  /** The most that any organisation has had, for its weight; need not be known while one runs. */
  mostHadMs: number;
  places: number;
  /** How many of the places may take batch jobs. */
  batchPlaces: number;
  freeMemoryBytes: number;
  memoryBytes: Readonly<Record<JobClass, number>>;
  /** Scenarios that have an engine on this runner, and those that have one on another. */
  warm: ReadonlySet<string>;
  warmElsewhere: ReadonlySet<string>;
}

export interface Choice {
  /** In the order of their turns. */
  jobs: WaitingJob[];
  /** When to look again: a job is left for a runner that is warm for it, but not for longer than this. */
  againInMs: number | undefined;
  /** Organisations that had nothing to do before: from now on they count as having had so much, chosen or not. */
  lifts: Lift[];
}

export interface Lift {
  organisation: string;
  /** Processor milliseconds. */
  leastMs: number;
}

/** What a running job counts for at least: two of an organisation's jobs run at once only where others want nothing. */
export const LEAST_CHARGE_MS = 1_000;
/** How far an organisation that was idle starts ahead of those that run: its first question is the next. */
export const MOST_CREDIT_MS = 100;
/** As many are reckoned to have worked for one organisation at once. */
const MOST_PROCESSORS = 4;
/** How long a job is left to wait for a warm engine, here or elsewhere. A cold start takes about as long. */
export const AFFINITY_MS = 1_000;
/** After this, a batch job goes before the interactive jobs of its own organisation. */
export const BATCH_PATIENCE_MS = 300_000;

/**
 * Whose turn it is: the organisation that has had the least for its weight, by running work and recent processor time and
 * not by arrival; of its jobs interactive before batch, then by age. `waiting` holds the oldest jobs of each organisation and
 * class, in any order. Pure.
 */
export function chooseJobs(
  waiting: readonly WaitingJob[],
  loads: readonly OrganisationLoad[],
  place: FreePlace,
): Choice {
  const queues = queuesOf(waiting);
  const use = createUse(loads, queues, place);
  const left = { ...place };
  const choice: Choice = { jobs: [], againInMs: undefined, lifts: use.lifts };
  while (left.places > 0) {
    const turns = [...queues].flatMap(([organisation, jobs]) => turnOf({ organisation, jobs }, left, choice));
    const turn = turns.toSorted((a, b) => use.of(a.organisation) - use.of(b.organisation) || compareAge(a, b))[0];
    if (!turn) break;
    choice.jobs.push(turn);
    queues.set(
      turn.organisation,
      queues.get(turn.organisation)!.filter((job) => job !== turn),
    );
    use.charge(turn.organisation);
    left.places -= 1;
    left.freeMemoryBytes -= place.memoryBytes[turn.class];
    if (turn.class === "batch") left.batchPlaces -= 1;
  }
  return choice;
}

function queuesOf(waiting: readonly WaitingJob[]): Map<string, WaitingJob[]> {
  const queues = new Map<string, WaitingJob[]>();
  for (const job of waiting.toSorted(compareAge)) {
    const queue = queues.get(job.organisation);
    if (queue) queue.push(job);
    else queues.set(job.organisation, [job]);
  }
  return queues;
}

function compareAge(a: WaitingJob, b: WaitingJob): number {
  return a.submittedAtMs - b.submittedAtMs || (a.id < b.id ? -1 : 1);
}

/** One that wants something, and since when. */
interface Wanting {
  load: OrganisationLoad;
  oldestMs: number;
}

/**
 * What each has had, for its weight (start-time fair queueing: Goyal, Vin, Cheng 1996; for several places at once Jin, Chase,
 * Kaur 2004). One that had nothing to do starts beside those that run: it neither keeps what it left unused, nor do those pay
 * for what they used while nobody else wanted it. Its start is settled by the first choice after it came.
 */
function createUse(
  loads: readonly OrganisationLoad[],
  queues: ReadonlyMap<string, readonly WaitingJob[]>,
  { nowMs, mostHadMs }: Pick<FreePlace, "nowMs" | "mostHadMs">,
) {
  const loadsOf = new Map(loads.map((load) => [load.organisation, load]));
  const wanting = [...queues].map(([organisation, jobs]): Wanting => {
    const oldestMs = Math.min(...jobs.map(({ submittedAtMs }) => submittedAtMs));
    return { load: loadsOf.get(organisation) ?? { ...NOTHING, organisation }, oldestMs };
  });
  const running = loads.filter((load) => load.running > 0);
  const known = Math.max(mostHadMs, ...loads.map(had));
  const level = levelOf(running, wanting, known) - MOST_CREDIT_MS;
  const waiting = wanting.map(({ load }) => load).filter((load) => load.running === 0);
  // what those used since it came is not its affair: together they get on as fast as the processors do
  const pace = MOST_PROCESSORS / [...running, ...waiting].reduce((sum, { weight }) => sum + weight, 0);
  const lifts: Lift[] = [];
  const used = new Map<string, number>();
  for (const { load, oldestMs } of wanting) {
    const { organisation, weight, runningMs } = load;
    const start = level - pace * (nowMs - oldestMs);
    const isLifted = had(load) < start && wasIdle({ load, oldestMs });
    if (isLifted) lifts.push({ organisation, leastMs: start * weight });
    used.set(organisation, isLifted ? start : had(load) + runningMs / weight);
  }
  return {
    of: (organisation: string) => used.get(organisation) ?? 0,
    charge: (organisation: string) =>
      void used.set(organisation, used.get(organisation)! + LEAST_CHARGE_MS / (loadsOf.get(organisation)?.weight ?? 1)),
    lifts,
  };
}

const NOTHING = { weight: 1, recentMs: 0, usedAtMs: undefined, running: 0, runningMs: 0 };

function had({ recentMs, weight }: OrganisationLoad): number {
  return recentMs / weight;
}

/**
 * How far those at work have come: where those that run were when they started; where nobody runs, the next of those that have
 * waited since before; where nobody did, as far as anybody ever came.
 */
function levelOf(running: readonly OrganisationLoad[], wanting: readonly Wanting[], mostMs: number): number {
  if (running.length > 0) return Math.max(...running.map(had));
  const waited = wanting.filter((one) => !wasIdle(one));
  if (waited.length > 0) return Math.min(...waited.map(({ load }) => had(load)));
  return mostMs;
}

/** Nothing of it ran, and nothing waited when its last job ended. */
function wasIdle({ load: { running, usedAtMs }, oldestMs }: Wanting): boolean {
  return running === 0 && (usedAtMs === undefined || oldestMs > usedAtMs);
}

interface Queue {
  organisation: string;
  /** By age. */
  jobs: readonly WaitingJob[];
}

/** The organisation's next job here, if there is one for this place. */
function turnOf({ jobs }: Queue, place: FreePlace, choice: Choice): WaitingJob[] {
  const fitting = jobs.filter((job) => fits(job, place));
  for (const ordered of byClass(fitting, place.nowMs)) {
    const first = ordered[0];
    if (!first) continue;
    const next = withAffinity(first, ordered, place);
    if (next.waitMs === 0) return [next.job];
    choice.againInMs = Math.min(choice.againInMs ?? next.waitMs, next.waitMs);
  }
  return [];
}

function fits(job: WaitingJob, place: FreePlace): boolean {
  if (job.class === "batch" && place.batchPlaces <= 0) return false;
  return place.memoryBytes[job.class] <= place.freeMemoryBytes;
}

/** Interactive before batch, but for batch jobs that have waited long enough. */
function byClass(jobs: readonly WaitingJob[], nowMs: number): WaitingJob[][] {
  const overdue = jobs.filter((job) => job.class === "batch" && nowMs - job.submittedAtMs >= BATCH_PATIENCE_MS);
  const interactive = jobs.filter((job) => job.class === "interactive");
  const batch = jobs.filter((job) => job.class === "batch" && !overdue.includes(job));
  return [overdue, interactive, batch];
}

/**
 * The oldest job, unless another of the same class finds its engine warm here while the oldest has not waited long; or
 * nobody yet, when the oldest has an engine on another runner.
 */
function withAffinity(
  oldest: WaitingJob,
  jobs: readonly WaitingJob[],
  { nowMs, warm, warmElsewhere }: FreePlace,
): { job: WaitingJob; waitMs: number } {
  const leftMs = AFFINITY_MS - (nowMs - oldest.submittedAtMs);
  if (warm.has(oldest.scenario) || leftMs <= 0) return { job: oldest, waitMs: 0 };
  const warmed = jobs.find((job) => warm.has(job.scenario));
  if (warmed) return { job: warmed, waitMs: 0 };
  return { job: oldest, waitMs: warmElsewhere.has(oldest.scenario) ? leftMs : 0 };
}

/** Places that batch may take: one is kept for interactive jobs wherever there are two. */
export function batchPlacesOf(places: number): number {
  return Math.max(1, places - 1);
}
