import { GRADES } from "#contract/common.ts";
import type { EgressProfile } from "#contract/profile.ts";
import type { RuleOutcome } from "./rule.ts";

/** R28: no column above the profile's grade may contribute to an automatic release. Unknown grades are above all. */
export function gradeRule(maxGrade: string, profile: EgressProfile): RuleOutcome[] {
  const grades: readonly string[] = GRADES;
  const own = grades.indexOf(maxGrade);
  if (own >= 0 && own <= grades.indexOf(profile.maxGrade.value)) return [];
  const message = "The query reads columns above the grade that this profile releases";
  return [{ rule: "R28", family: "classification", code: "grade_above_ceiling", message, block: true }];
}
