import type { EgressProfile } from "#contract/profile.ts";
import type { Finding, FindingFamily } from "#contract/egress.ts";
import type { CellEvidence, Evidence } from "../evidence/index.ts";
import type { SafeQuery } from "../gate/index.ts";

/** What a rule sees. Rules are pure: same case, same outcome. */
export interface RuleCase {
  query: SafeQuery;
  evidence: Evidence;
  profile: EgressProfile;
  /** Indexes of aggregates that are sums or means of magnitudes. */
  magnitudes: ReadonlySet<number>;
  /** Highest grade of a column that was read. */
  maxGrade: string;
  /**
   * Whether a value is still to be shown. A rule judges only such values: that a value which is hidden anyway fails a
   * further rule would tell about the few subjects behind it.
   */
  isOpen: (cell: number, aggregate: number) => boolean;
  isRowOpen: (cell: number) => boolean;
}

/** One value of one cell, by ordinal of the cell and index of the aggregate; "row" is the whole cell. */
export interface Mark {
  cell: number;
  aggregate: number | "row";
}

export interface RuleOutcome {
  rule: string;
  family: FindingFamily;
  code: string;
  /** For the developer: no count, no threshold, not which condition. */
  message: string;
  suppress?: Mark[];
  block?: boolean;
  review?: boolean;
  /** What leaves is changed. */
  transform?: boolean;
}

export type Rule = (input: RuleCase) => RuleOutcome[];

export function findingOf(outcome: RuleOutcome): Finding {
  const effect = outcome.block ? "block" : outcome.review ? "review" : outcome.transform ? "transform" : "suppress";
  return { rule: outcome.rule, family: outcome.family, code: outcome.code, effect, message: outcome.message };
}

/** Marks every value that is still to be shown and for which `fails` holds. */
export function marksWhere(input: RuleCase, fails: (cell: CellEvidence, aggregate: number) => boolean): Mark[] {
  const count = input.query.aggregates.length;
  const marks: Mark[] = [];
  for (const cell of input.evidence.cells) {
    for (let aggregate = 0; aggregate < count; aggregate++) {
      if (!input.isOpen(cell.cell, aggregate) || !fails(cell, aggregate)) continue;
      marks.push({ cell: cell.cell, aggregate });
    }
  }
  return marks;
}

/** Nothing at all, or enough subjects: a group that cannot be told from either side. */
export function isSplit(subjects: number, enough: number): boolean {
  return subjects > 0 && subjects < enough;
}
