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
  /** Organisations of these jobs that had nothing to do before: they count as having had so much, for their weight. */
  lifts: Lift[];
}

export interface Lift {
  organisation: string;
  /** Processor milliseconds. */
  leastMs: number;
}

/** What a running job counts for at least: two of an organisation's jobs run at once only where others want nothing. */
export const LEAST_CHARGE_MS = 1_000;
/** Half of what an organisation has used is forgotten after this. */
export const HALF_LIFE_MS = 60_000;
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
  const use = createUse(loads, queues, place.nowMs);
  const left = { ...place };
  const choice: Choice = { jobs: [], againInMs: undefined, lifts: [] };
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
  const chosen = new Set(choice.jobs.map(({ organisation }) => organisation));
  for (const [organisation, leastMs] of use.lifted)
    if (chosen.has(organisation)) choice.lifts.push({ organisation, leastMs });
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

/**
 * What each has had, for its weight (start-time fair queueing: Goyal, Vin, Cheng 1996; for several places at once Jin, Chase,
 * Kaur 2004). One that had nothing to do starts beside those that run: it neither keeps what it left unused, nor do those pay
 * for what they used while nobody else wanted it.
 */
function createUse(
  loads: readonly OrganisationLoad[],
  queues: ReadonlyMap<string, readonly WaitingJob[]>,
  nowMs: number,
) {
  const known = new Map(loads.map((load) => [load.organisation, load]));
  const loadOf = (organisation: string) => known.get(organisation) ?? { ...NOTHING, organisation };
  const had = ({ recentMs, weight }: OrganisationLoad) => recentMs / weight;
  const running = loads.filter((load) => load.running > 0);
  const wanting = loads.filter(({ organisation }) => queues.has(organisation));
  // where those were that run when they started; where nobody runs, the furthest of those that want to
  const furthest = Math.max(0, ...(running.length > 0 ? running : wanting).map(had));
  const lifted = new Map<string, number>();
  const used = new Map<string, number>();
  for (const [organisation, jobs] of queues) {
    const load = loadOf(organisation);
    const oldestMs = Math.min(...jobs.map(({ submittedAtMs }) => submittedAtMs));
    // what those used since it came is not its affair
    const level = furthest - MOST_CREDIT_MS - MOST_PROCESSORS * (nowMs - oldestMs);
    const isLifted = had(load) < level && wasIdle(load, oldestMs);
    if (isLifted) lifted.set(organisation, level * load.weight);
    used.set(organisation, isLifted ? level : had(load) + load.runningMs / load.weight);
  }
  return {
    of: (organisation: string) => used.get(organisation) ?? 0,
    charge: (organisation: string) =>
      void used.set(organisation, (used.get(organisation) ?? 0) + LEAST_CHARGE_MS / loadOf(organisation).weight),
    lifted,
  };
}

const NOTHING = { weight: 1, recentMs: 0, usedAtMs: undefined, running: 0, runningMs: 0 };

/** Nothing of it ran, and nothing waited when its last job ended. */
function wasIdle({ running, usedAtMs }: OrganisationLoad, oldestMs: number): boolean {
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
