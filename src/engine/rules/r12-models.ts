import type { Aggregate } from "../gate/index.ts";
import type { EgressProfile } from "#contract/profile.ts";
import type { ContributionEvidence, PairEvidence } from "../evidence/index.ts";
import { isEstimable } from "./r05-p-percent.ts";
import { isDominated, isMildlyDominated } from "./r06-dominance.ts";
import { isSplit, marksWhere, type Rule, type RuleCase, type RuleOutcome } from "./rule.ts";

type Moments = NonNullable<Aggregate["moments"]>;

/**
 * R12: covariances, correlations and lines are sums of products, so each of these sums is judged like a sum of amounts:
 * enough subjects contribute, not all but a few the same, none or two make most of it (leverage), the second largest
 * cannot estimate the largest. A line needs subjects beyond the two that fix it. One that fits nearly all tells
 * everybody's y to whoever knows the x. All of it has one name, for which of them it was would tell about the values.
 */
export const modelsRule: Rule = (input) => {
  const suppress = marksWhere(input, (cell, i) => {
    const { moments } = input.query.aggregates[i]!;
    return (
      moments !== undefined && cell.aggregates[i]!.some(({ pair }) => !pair || isUnsafe(input.profile, moments, pair))
    );
  });
  const outcomes: RuleOutcome[] = [];
  if (suppress.length > 0) {
    const message = "Statistics of two measures that few subjects decide, or that fit too closely, are suppressed";
    outcomes.push({ ...base, code: "model_of_few", message, suppress });
  }
  if (isShownAndMild(input, suppress)) {
    const message = "A person looks at statistics of two measures with large contributors";
    outcomes.push({ ...base, code: "model_leverage_review", message, review: true });
  }
  return outcomes;
};

const base = { rule: "R12", family: "disclosure" } as const;

/** The sums that the value is made of. */
function sumsOf(moments: Moments, { xx, yy, xy }: PairEvidence): ContributionEvidence[] {
  if (moments === "regr_sxx") return [xx];
  return moments === "regr_syy" ? [yy] : [xx, yy, xy];
}

/** Parameters of a straight line. */
const PARAMETERS = 2;

/** Whether nothing is to be said about a pair, when its numbers are bounds: at least such counts and totals, at most such largest. */
export function isClearPair(pair: PairEvidence, profile: EgressProfile): boolean {
  const enough = profile.minSubjects.value;
  const sums = sumsOf("corr", pair);
  return !isUnsafe(profile, "corr", pair) && sums.every((sum) => sum.offMode >= enough && !isMild(sum, pair, profile));
}

function isMild(sum: ContributionEvidence, pair: PairEvidence, profile: EgressProfile): boolean {
  return isMildlyDominated({ nonNull: pair.subjects, ...sum }, profile);
}

function isUnsafe(profile: EgressProfile, moments: Moments, pair: PairEvidence): boolean {
  const enough = profile.minSubjects.value;
  const isLine = /^(corr|regr_slope|regr_intercept|regr_r2)$/.test(moments);
  if (pair.subjects < enough + 2) return true;
  if (isLine && pair.subjects - PARAMETERS < profile.modelFreedom.value) return true;
  if (!/^regr_s(xx|yy)$/.test(moments) && pair.fit > profile.modelFit.value) return true;
  return sumsOf(moments, pair).some((sum) => {
    const one = { nonNull: pair.subjects, ...sum };
    const isFew = sum.nonNeutral < enough || isSplit(sum.offMode, enough);
    return isFew || isEstimable(one, profile.pPercent.value) || isDominated(one, profile);
  });
}

function isShownAndMild(input: RuleCase, hidden: readonly { cell: number; aggregate: number | "row" }[]): boolean {
  const gone = new Set(hidden.map(({ cell, aggregate }) => `${cell} ${aggregate}`));
  const mild = marksWhere(input, (cell, i) => {
    const { moments } = input.query.aggregates[i]!;
    if (moments === undefined || gone.has(`${cell.cell} ${i}`)) return false;
    return cell.aggregates[i]!.some(({ pair }) =>
      sumsOf(moments, pair!).some((sum) => isMild(sum, pair!, input.profile)),
    );
  });
  return mild.length > 0;
}
