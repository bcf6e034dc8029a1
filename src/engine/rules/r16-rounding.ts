import type { EgressProfile } from "#contract/profile.ts";
import type { SafeStatement } from "../gate/index.ts";
import type { RuleOutcome } from "./rule.ts";

/**
 * R16: where the profile rounds, every number over protected subjects is rounded after suppression and before any step
 * of the developer sees it. Said whenever it is done, whether or not it changed a number: that would tell of the number.
 */
export function roundingRule({ leaves }: SafeStatement, { rounding }: EgressProfile): RuleOutcome[] {
  const isRounded = leaves.some(({ subjects, aggregates }) => subjects.length > 0 && aggregates.length > 0);
  if (!rounding || !isRounded) return [];
  const message = "Counts and amounts are rounded, each by itself: parts need not add up to their total";
  return [{ rule: "R16", family: "disclosure", code: "values_rounded", message, transform: true }];
}
