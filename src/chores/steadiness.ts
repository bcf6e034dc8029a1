import type { Clock } from "#kernel/clock.ts";

/**
 * Whether this process's view of time can be trusted to say that somebody else fell silent. It cannot after the wall
 * clock jumped, after the process itself stood still, or while the database could not be written to: what looks silent
 * then may only not have been heard.
 */
export interface Steadiness {
  /** Called regularly. */
  tick(): void;
  /** Something went wrong that may have kept others from being heard. */
  disturb(): void;
  isSteady(): boolean;
  /**
   * Whether the wall clock has gone evenly for long, since the start too. What cannot be taken back (things that expire
   * or are removed by age) waits for this.
   */
  isClockTrusted(): boolean;
}

/** Deviation of the wall clock, and lateness of a tick, that are taken for ordinary. */
const TOLERANCE_MS = 3_000;

export interface SteadinessOptions {
  /** Never jumps. */
  monotonicMs: () => number;
  /** How long after a disturbance silence means nothing. */
  settleMs: number;
  /** How long the clock must have gone evenly to be trusted. */
  trustMs: number;
}

export function createSteadiness(clock: Clock, { monotonicMs, settleMs, trustMs }: SteadinessOptions): Steadiness {
  let steadySince = monotonicMs();
  let evenSince = monotonicMs();
  let last = { wallMs: clock.nowMs(), atMs: monotonicMs() };
  const disturb = () => {
    steadySince = monotonicMs();
  };
  return {
    tick: () => {
      const now = { wallMs: clock.nowMs(), atMs: monotonicMs() };
      const passedMs = now.atMs - last.atMs;
      const jumpedMs = Math.abs(now.wallMs - last.wallMs - passedMs);
      last = now;
      if (jumpedMs > TOLERANCE_MS) evenSince = now.atMs;
      if (jumpedMs > TOLERANCE_MS || passedMs > TOLERANCE_MS) disturb();
    },
    disturb,
    isSteady: () => monotonicMs() - steadySince >= settleMs,
    isClockTrusted: () => monotonicMs() - evenSince >= trustMs,
  };
}
