import type { EgressProfile } from "#contract/profile.ts";
import type { AggregateEvidence, CellEvidence } from "../evidence/index.ts";
import { isEstimable } from "./r05-p-percent.ts";
import { isDominated, isMildlyDominated } from "./r06-dominance.ts";

/**
 * Whether no rule has anything to say about a cell, whatever the exact numbers are, when those given are bounds
 * (subjects, contributors and totals at least so large, the largest at most). Every rule over cells is monotone in them,
 * so a cell that is clear by its bounds is clear by its numbers; the others are counted exactly.
 */
export function isClear(cell: CellEvidence, profile: EgressProfile, magnitudes: ReadonlySet<number>): boolean {
  const enough = profile.minSubjects.value;
  const isClearValue = (one: AggregateEvidence, i: number): boolean =>
    one.nonNull >= enough &&
    one.nonNeutral >= enough &&
    !isDominated(one, profile) &&
    !isMildlyDominated(one, profile) &&
    (!magnitudes.has(i) || largestShare(one) <= profile.concentrationReview.value) &&
    (!magnitudes.has(i) || ((one.offMode ?? 0) >= enough && !isEstimable(one, profile.pPercent.value)));
  return (
    cell.subjects.every((subjects) => subjects >= enough) &&
    cell.regions.every((regions) => regions.every((region) => region.subjects >= enough)) &&
    cell.aggregates.every((classes, i) => classes.every((one) => isClearValue(one, i)))
  );
}

/** The sum of squared shares is at most the largest of them. */
function largestShare({ total = 0, largest = [0, 0] }: AggregateEvidence): number {
  return total > 0 ? largest[0] / total : 0;
}
