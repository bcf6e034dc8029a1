import { createHmac } from "node:crypto";
import type { EgressProfile } from "#contract/profile.ts";

/**
 * Whether so many subjects are enough. `sketch` names their set (or that of the cell which they are a part of); where it
 * is not known nothing is given away: the greatest threshold counts.
 */
export type IsEnough = (subjects: number, sketch: bigint | undefined) => boolean;

/** Greatest deviation, in units of the standard deviation. */
const MOST_DEVIATION = 3;

/** From how many subjects on nothing depends on the noise. */
export function greatestThreshold({ minSubjects, thresholdNoise }: EgressProfile): number {
  return minSubjects.value + (thresholdNoise.value / 2) * (2 + MOST_DEVIATION);
}

/**
 * The threshold with its noise, so that asking for k - 1 and k subjects gives no clean bit: mean and deviation are
 * `thresholdNoise` and half of it, never below k. The noise follows from the set of subjects and the deployment's secret:
 * asking again, in other words or on another day, gives the same.
 */
export function thresholdOf(profile: EgressProfile, noiseKey: string): IsEnough {
  const least = profile.minSubjects.value;
  const most = greatestThreshold(profile);
  const key = Buffer.from(noiseKey, "hex");
  return (subjects, sketch) => {
    if (subjects < least || subjects >= most || sketch === undefined) return subjects >= most;
    const deviation = Math.min(deviationOf(key, sketch), MOST_DEVIATION);
    return subjects >= least + Math.max(0, (profile.thresholdNoise.value / 2) * (2 + deviation));
  };
}

const UNIFORMS = 12;

/** About standard normal: the sum of twelve uniform numbers less its mean (Irwin and Hall). */
function deviationOf(key: Buffer, sketch: bigint): number {
  const bytes = createHmac("sha256", key).update(`threshold ${sketch}`).digest();
  let sum = 0;
  for (let i = 0; i < UNIFORMS; i++) sum += (bytes.readUInt16LE(2 * i) + 0.5) / 65536;
  return sum - UNIFORMS / 2;
}
