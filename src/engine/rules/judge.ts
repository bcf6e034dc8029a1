import type { Suppression } from "../evidence/index.ts";
import { someExpression, type Expression, type SafeQuery } from "../gate/index.ts";
import { dominanceRule } from "./r06-dominance.ts";
import { complementsRule } from "./r04-complements.ts";
import { contributorsRule } from "./r02-contributors.ts";
import { gradeRule } from "./r28-grade.ts";
import { modeRule } from "./r03-mode.ts";
import { pPercentRule } from "./r05-p-percent.ts";
import { distinctRule } from "./r10-distinct.ts";
import { modelsRule } from "./r12-models.ts";
import { quantilesRule } from "./r10-quantiles.ts";
import type { Mark, Rule, RuleCase, RuleOutcome } from "./rule.ts";
import { sparsityRule } from "./r20-sparsity.ts";
import { splitRule } from "./r19-split.ts";
import { spreadRule } from "./r11-spread.ts";
import { subjectsRule } from "./r01-subjects.ts";

/** In this order: a value that one rule hides is not judged by the next. */
const CELL_RULES: readonly Rule[] = [
  subjectsRule,
  contributorsRule,
  spreadRule,
  quantilesRule,
  distinctRule,
  modelsRule,
  complementsRule,
  modeRule,
  pPercentRule,
  dominanceRule,
];
const WHOLE_RULES: readonly Rule[] = [splitRule, sparsityRule];

export interface Judgement {
  outcomes: RuleOutcome[];
  suppressed: Suppression[];
  /** Values that are hidden, over all cells. */
  suppressedValues: number;
}

/** All rules over one query's evidence. Repeating it changes nothing: hidden values stay hidden for the same reasons. */
export function judgeCells(input: Omit<RuleCase, "isOpen">): Judgement {
  const hidden = new Hidden();
  const scope: RuleCase = { ...input, isOpen: (cell, aggregate) => hidden.isOpen(cell, aggregate) };
  const outcomes: RuleOutcome[] = [];
  // Public tables hold no protected subjects: what remains of the rules for them are grades and size.
  for (const rule of input.evidence.classes === 0 ? [] : [...CELL_RULES, ...WHOLE_RULES]) {
    const found = rule(scope);
    for (const mark of found.flatMap((outcome) => outcome.suppress ?? [])) hidden.add(mark);
    hidden.addDependants(input);
    outcomes.push(...found);
  }
  outcomes.push(...gradeRule(input.maxGrade, input.profile));
  const suppressed = hidden.list(input);
  const suppressedValues = suppressed.reduce((sum, one) => sum + Math.max(one.aggregates.size, 1), 0);
  return { outcomes, suppressed, suppressedValues };
}

/** What the rules have hidden so far. */
class Hidden {
  readonly #rows = new Set<number>();
  readonly #values = new Map<number, Set<number>>();

  isOpen(cell: number, aggregate: number): boolean {
    return !this.#rows.has(cell) && !this.#values.get(cell)?.has(aggregate);
  }

  add({ cell, aggregate }: Mark): void {
    if (aggregate === "row") this.#rows.add(cell);
    else this.#values.set(cell, (this.#values.get(cell) ?? new Set()).add(aggregate));
  }

  /** A value goes with any of its witnesses: for the rule that hid the witness, so nothing more is said. */
  addDependants({ query, evidence }: Omit<RuleCase, "isOpen">): void {
    for (const [aggregate, { witnesses = [] }] of query.aggregates.entries()) {
      for (const { cell } of evidence.cells) {
        if (witnesses.some((witness) => !this.isOpen(cell, witness))) this.add({ cell, aggregate });
      }
    }
  }

  list(input: Omit<RuleCase, "isOpen">): Suppression[] {
    const shown = new Set(input.query.aggregates.flatMap((one, i) => (one.isWitness ? [] : [i])));
    const dropsSmall = isTelling(input.query);
    const cells = [...new Set([...this.#rows, ...this.#values.keys()])].toSorted((a, b) => a - b);
    return cells.map((cell) => {
      const isWhole = this.#rows.has(cell);
      const own = [...(this.#values.get(cell) ?? [])].filter((aggregate) => shown.has(aggregate));
      const aggregates = isWhole ? shown : new Set(own);
      return { cell, aggregates, dropRow: dropsSmall && isWhole };
    });
  }
}

/**
 * Whether the mere existence of a small cell tells something: when a key is a generalised quasi-identifier, or when
 * the rows are the answer because no aggregate is shown. Declared dimensions alone keep their row, without values.
 */
function isTelling(query: SafeQuery): boolean {
  const isAggregate = (part: Expression): boolean => part.kind === "cell" && part.index >= query.keys.length;
  const showsAggregate = query.outputs.some((output) => someExpression(output, isAggregate));
  return query.keys.some((key) => key.generalised) || !showsAggregate;
}
