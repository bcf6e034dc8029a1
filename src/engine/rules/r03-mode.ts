import type { CellEvidence } from "../evidence/index.ts";
import { isSplit, marksWhere, type Rule, type RuleCase, type RuleOutcome } from "./rule.ts";

/**
 * R3: when all subjects but a few contribute the same amount, the sum tells what the few contribute. Such a value is
 * suppressed. An aggregate for which that is so in some cell, while in no cell enough subjects differ, was made to
 * isolate (or is of no use): the result is blocked. Where few contribute at all ("most people have none") R2 has
 * suppressed already and nothing is blocked. Counts are left to R1, R2 and R4: what a subject contributes to them is
 * how often it occurs, and "most people come once" is not a mask.
 */
export const modeRule: Rule = (input) => {
  const enough = input.profile.minSubjects.value;
  const suppress = marksWhere(
    input,
    (cell, i) => input.magnitudes.has(i) && offModes(cell, i).some((off) => isSplit(off, enough)),
  );
  if (suppress.length === 0) return [];
  const isMade = suppress.some(({ aggregate }) => !someCellDiffers(input, aggregate as number));
  return [isMade ? blocked : { ...suppressed, suppress }];
};

function offModes(cell: CellEvidence, aggregate: number): number[] {
  return cell.aggregates[aggregate]!.map((one) => one.offMode ?? 0);
}

function someCellDiffers(input: RuleCase, aggregate: number): boolean {
  const enough = input.profile.minSubjects.value;
  return input.evidence.cells.some(
    (cell) => input.isOpen(cell.cell, aggregate) && offModes(cell, aggregate).every((off) => off >= enough),
  );
}

const base = { rule: "R3", family: "disclosure" } as const;
const suppressed: RuleOutcome = {
  ...base,
  code: "few_differ",
  message: "Values in which only few subjects differ from all others are suppressed",
};
const blocked: RuleOutcome = {
  ...base,
  code: "isolates_few",
  message: "The result isolates what a few subjects contribute",
  block: true,
};
