import type { Clock } from "#kernel/clock.ts";
import { isAppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";
import { backoffMs } from "./backoff.ts";
import { claimChores, type ClaimedChore, ensureChores, finishChore, renewChore } from "./claim.ts";

/** One run: the name that was claimed, and a signal that the lease is lost or the process stops. */
export interface ChoreRun {
  name: string;
  lease: string;
  stop: AbortSignal;
}

export interface Chore {
  name: string;
  everyMs: number;
  /** For a kind of chore instead of a single one: the chores `<name>.<what>` that have something to do now. */
  find?(): Promise<string[]>;
  /** Answers when it wants to come again, instead of after `everyMs`. */
  run(run: ChoreRun): Promise<number | undefined | void>;
}

export interface ChoresOptions {
  db: Database;
  clock: Clock;
  chores: readonly Chore[];
  /** Looks for due chores this often. */
  lookEveryMs: number;
  onLook(): void;
  onError(error: unknown, name: string): void;
}

const LEASE_MS = 60_000;
const RENEW_MS = 15_000;
/** Most of a kind's chores at once. Single ones have their own places: no slow receiver holds up leases that were lost. */
const PLACES = 6;

/** Runs chores until it is stopped; then what runs is told to end, and waited for. */
export function runChores(options: ChoresOptions): () => Promise<void> {
  const stop = new AbortController();
  const running = new Map<Promise<void>, { ofKind: boolean }>();
  let looking = Promise.resolve();
  let ensured = false;
  const look = async () => {
    if (!ensured) await ensureFixed(options);
    ensured = true;
    for (const ofKind of [false, true]) {
      const places = ofKind
        ? PLACES - [...running.values()].filter((each) => each.ofKind).length
        : options.chores.length;
      for (const claimed of await claim(options, { ofKind, places })) {
        const work = runClaimed(options, claimed, stop.signal).finally(() => running.delete(work));
        running.set(work, { ofKind });
      }
    }
  };
  let busy = false;
  const timer = setInterval(() => {
    options.onLook();
    if (busy) return;
    busy = true;
    looking = look()
      .catch((error: unknown) => options.onError(error, "chores"))
      .finally(() => (busy = false));
  }, options.lookEveryMs);
  return async () => {
    clearInterval(timer);
    await looking;
    stop.abort();
    await Promise.all(running.keys());
  };
}

async function ensureFixed({ db, clock, chores }: ChoresOptions): Promise<void> {
  const names = chores.filter(({ find }) => !find).map(({ name }) => name);
  await ensureChores(db, names, clock.nowMs());
}

async function claim(
  { db, clock, chores }: ChoresOptions,
  { ofKind, places }: { ofKind: boolean; places: number },
): Promise<ClaimedChore[]> {
  if (places <= 0) return [];
  const asked = chores.filter(({ find }) => (find !== undefined) === ofKind);
  const names = (await Promise.all(asked.map(async ({ name, find }) => find?.() ?? [name]))).flat();
  if (names.length === 0) return [];
  return claimChores(db, { names, nowMs: clock.nowMs(), leaseMs: LEASE_MS, limit: places });
}

async function runClaimed(options: ChoresOptions, claimed: ClaimedChore, stopping: AbortSignal): Promise<void> {
  const { db, clock, onError } = options;
  const { name, lease, failures } = claimed;
  const chore = options.chores.find((each) => (each.find ? name.startsWith(`${each.name}.`) : each.name === name));
  if (!chore) throw new Error(`there is no chore ${name}`);
  const lost = new AbortController();
  const renewal = setInterval(() => {
    renewChore(db, lease, new Date(clock.nowMs() + LEASE_MS)).then(
      (kept) => kept || lost.abort(),
      (error: unknown) => onError(error, name),
    );
  }, RENEW_MS);
  try {
    const againMs = await chore.run({ name, lease, stop: AbortSignal.any([stopping, lost.signal]) });
    const now = clock.nowMs();
    const dueAt = new Date(now + (againMs ?? chore.everyMs));
    await finishChore(db, { lease, dueAt, succeededAt: new Date(now) });
  } catch (error) {
    onError(error, name);
    const pauseMs = Math.min(backoffMs(failures + 1, Math.random()), Math.max(chore.everyMs, 60_000));
    const failed = {
      lease,
      dueAt: new Date(clock.nowMs() + pauseMs),
      error: isAppError(error) ? error.code : "internal",
    };
    // when the database is what failed, the lease runs out and the chore comes again
    await finishChore(db, failed).catch((inner: unknown) => onError(inner, name));
  } finally {
    clearInterval(renewal);
  }
}
