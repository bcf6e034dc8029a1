/** Shortest pause after a failure, and the longest. */
const FIRST_MS = 5_000;
const LONGEST_MS = 3_600_000;

/**
 * Pause after so many failures in a row: doubled each time, with jitter over its upper half so that what failed together
 * does not come back together. `random` is in [0, 1).
 */
export function backoffMs(failures: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(full * (0.5 + random / 2));
}
