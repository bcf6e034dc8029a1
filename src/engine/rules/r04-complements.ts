import {
  conditionSql,
  distinctFilters,
  isAlways,
  regionFilter,
  type CellEvidence,
  type Region,
} from "../evidence/index.ts";
import type { Mark, Rule, RuleCase } from "./rule.ts";

/**
 * R4: numerators, denominators and complements. The filters of a cell's aggregates cut its subjects into regions;
 * sums and differences of what is shown can isolate any union of them. Aggregates are kept in order of the output as
 * long as every region that the kept ones make is empty or large enough; the others are suppressed.
 */
export const complementsRule: Rule = (input) => {
  const filters = distinctFilters(input.query);
  if (filters.length === 0) return [];
  const suppress = input.evidence.cells.flatMap((cell) => cellMarks(input, filters, cell));
  if (suppress.length === 0) return [];
  const message = "Shares whose parts or remainders rest on too few subjects are suppressed";
  return [{ rule: "R4", family: "threshold", code: "part_too_small", message, suppress }];
};

function cellMarks(input: RuleCase, filters: readonly string[], cell: CellEvidence): Mark[] {
  const marks: Mark[] = [];
  let kept = 0n;
  for (const [aggregate, one] of input.query.aggregates.entries()) {
    const filter = regionFilter(input.query, one);
    if (isAlways(filter) || !input.isOpen(cell.cell, aggregate)) continue;
    const bit = 1n << BigInt(filters.indexOf(conditionSql(filter)));
    if (
      cell.regions.every((regions, c) => regionsHold(regions, kept | bit, (n) => input.isEnough(n, cell.sketches[c])))
    )
      kept |= bit;
    else marks.push({ cell: cell.cell, aggregate });
  }
  return marks;
}

/** Regions that the kept filters cannot tell apart count as one; its subjects are at least those of the largest part. */
function regionsHold(regions: readonly Region[], kept: bigint, isEnough: (subjects: number) => boolean): boolean {
  const merged = new Map<bigint, number>();
  for (const region of regions) {
    const seen = region.filters & kept;
    merged.set(seen, Math.max(merged.get(seen) ?? 0, region.subjects));
  }
  return [...merged.values()].every((subjects) => subjects === 0 || isEnough(subjects));
}
