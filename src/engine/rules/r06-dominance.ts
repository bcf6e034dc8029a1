import type { EgressProfile } from "#contract/profile.ts";
import type { Amounts } from "./r05-p-percent.ts";
import { marksWhere, type Rule, type RuleCase, type RuleOutcome } from "./rule.ts";

/**
 * R6: no one or two subjects may hold nearly everything. Holds for sums, means and counts of rows; a subject counts
 * once where distinct subjects are counted. Milder dominance goes to a person.
 */
export const dominanceRule: Rule = (input) => {
  const { profile } = input;
  const suppress = marksWhere(input, (cell, i) => cell.aggregates[i]!.some((one) => isDominated(one, profile)));
  const outcomes: RuleOutcome[] = [];
  if (suppress.length > 0)
    outcomes.push({
      ...base,
      code: "two_dominate",
      message: "Values that one or two subjects dominate are suppressed",
      suppress,
    });
  if (isShownAndMilder(input)) {
    outcomes.push({
      ...base,
      code: "dominance_review",
      message: "A person looks at values with large contributors",
      review: true,
    });
  }
  return outcomes;
};

const base = { rule: "R6", family: "dominance" } as const;

function share({ total = 0, largest = [0, 0] }: Amounts, count: 1 | 2): number {
  if (total <= 0) return 0;
  return (count === 1 ? largest[0] : largest[0] + largest[1]) / total;
}

export function isDominated(one: Amounts, profile: EgressProfile): boolean {
  return share(one, 2) > profile.dominanceTwo.value;
}

export function isMildlyDominated(one: Amounts, profile: EgressProfile): boolean {
  return share(one, 1) > profile.dominanceOneReview.value || share(one, 2) > profile.dominanceTwoReview.value;
}

/** Only values that would be shown concern a person. */
function isShownAndMilder(input: RuleCase): boolean {
  const { profile } = input;
  const marks = marksWhere(input, (cell, i) =>
    cell.aggregates[i]!.some((one) => !isDominated(one, profile) && isMildlyDominated(one, profile)),
  );
  return marks.length > 0;
}
