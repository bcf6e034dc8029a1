const GRAIN_MS = 1000;

/**
 * A time as a developer learns it, in whole seconds (R24): to the millisecond, the time that a query took would tell
 * something of the data that it read.
 */
export function coarseInstant(at: Date): string {
  return new Date(Math.floor(at.getTime() / GRAIN_MS) * GRAIN_MS).toISOString();
}
