import type { EgressProfile } from "#contract/profile.ts";
import type { AggregateEvidence } from "../evidence/index.ts";
import { marksWhere, type Rule } from "./rule.ts";

/**
 * R14: values that a few subjects make up go to a person. The sum of squared shares (Herfindahl index) is bounded by the
 * two largest: a² + b² for them, and at most b for each unit of the rest.
 */
export const concentrationRule: Rule = (input) => {
  const { profile, magnitudes } = input;
  const marks = marksWhere(
    input,
    (cell, i) => magnitudes.has(i) && cell.aggregates[i]!.some((one) => isConcentrated(one, profile)),
  );
  if (marks.length === 0) return [];
  const message = "A person looks at values that few contributors make up";
  return [{ rule: "R14", family: "dominance", code: "concentration_review", message, review: true }];
};

export function isConcentrated(
  { total = 0, largest = [0, 0] }: AggregateEvidence,
  { concentrationReview }: Pick<EgressProfile, "concentrationReview">,
): boolean {
  if (total <= 0) return false;
  const [a, b] = [largest[0] / total, largest[1] / total];
  return a * a + b * b + Math.max(0, 1 - a - b) * b > concentrationReview.value;
}
