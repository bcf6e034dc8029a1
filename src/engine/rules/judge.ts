import type { Suppression } from "../evidence/index.ts";
import { someExpression, type Expression, type SafeQuery } from "../gate/index.ts";
import { concentrationRule } from "./r14-concentration.ts";
import { groupsRule } from "./r07-groups.ts";
import { zerosRule } from "./r08-zeros.ts";
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
  groupsRule,
  modeRule,
  pPercentRule,
  dominanceRule,
];
const WHOLE_RULES: readonly Rule[] = [concentrationRule, splitRule, sparsityRule, zerosRule];

type JudgeInput = Omit<RuleCase, "isOpen" | "isRowOpen">;

export interface Judgement {
  outcomes: RuleOutcome[];
  suppressed: Suppression[];
}

/** All rules over one query's evidence. Repeating it changes nothing: hidden values stay hidden for the same reasons. */
export function judgeCells(input: JudgeInput): Judgement {
  const hidden = new Hidden();
  const scope: RuleCase = {
    ...input,
    isOpen: (cell, aggregate) => hidden.isOpen(cell, aggregate),
    isRowOpen: (cell) => hidden.isRowOpen(cell),
  };
  const outcomes: RuleOutcome[] = [];
  // Public tables hold no protected subjects: what remains of the rules for them are grades and size.
  for (const rule of input.evidence.classes === 0 ? [] : [...CELL_RULES, ...WHOLE_RULES]) {
    const found = rule(scope);
    for (const { rule: name, suppress } of found) for (const mark of suppress ?? []) hidden.add(mark, name);
    hidden.addDependants(input);
    outcomes.push(...found);
  }
  outcomes.push(...gradeRule(input.maxGrade, input.profile));
  return { outcomes, suppressed: hidden.list(input) };
}

/** What the rules have hidden so far, and which of them did. */
class Hidden {
  readonly #rows = new Map<number, string>();
  readonly #values = new Map<number, Map<number, string>>();

  isRowOpen(cell: number): boolean {
    return !this.#rows.has(cell);
  }

  isOpen(cell: number, aggregate: number): boolean {
    return this.isRowOpen(cell) && !this.#values.get(cell)?.has(aggregate);
  }

  add({ cell, aggregate }: Mark, rule: string): void {
    if (aggregate === "row") this.#rows.set(cell, rule);
    else this.#values.set(cell, (this.#values.get(cell) ?? new Map<number, string>()).set(aggregate, rule));
  }

  /** A value goes with any of its witnesses, for the rule that hid the witness: so nothing more is said. */
  addDependants({ query, evidence }: JudgeInput): void {
    for (const [aggregate, { witnesses = [] }] of query.aggregates.entries()) {
      for (const { cell } of evidence.cells) {
        if (!this.isOpen(cell, aggregate)) continue;
        const hidden = witnesses.find((witness) => !this.isOpen(cell, witness));
        if (hidden !== undefined) this.add({ cell, aggregate }, this.#values.get(cell)!.get(hidden)!);
      }
    }
  }

  list(input: JudgeInput): Suppression[] {
    const all = [...input.query.aggregates.keys()];
    const dropsSmall = isTelling(input.query);
    const cells = [...new Set([...this.#rows.keys(), ...this.#values.keys()])].toSorted((a, b) => a - b);
    return cells.map((cell) => {
      const row = this.#rows.get(cell);
      const values = this.#values.get(cell) ?? new Map<number, string>();
      const because = row === undefined ? values : new Map(all.map((i) => [i, values.get(i) ?? row]));
      return { cell, aggregates: new Set(because.keys()), because, dropRow: dropsSmall && row !== undefined };
    });
  }
}

/**
 * Whether the mere existence of a small cell tells something: when a key is a generalised quasi-identifier, or when
 * the rows are the answer because no aggregate is shown, or when a condition on protected columns lets it be. Declared dimensions alone keep their row, without values.
 */
function isTelling(query: SafeQuery): boolean {
  const isAggregate = (part: Expression): boolean => part.kind === "cell" && part.index >= query.keys.length;
  const showsAggregate = query.outputs.some((output) => someExpression(output, isAggregate));
  return query.keys.some((key) => key.generalised) || !showsAggregate || isChosen(query);
}

/** Whether rows are there only where a condition on protected columns, or a relation made of rows, lets them be. */
function isChosen({ from, where }: SafeQuery): boolean {
  const hasDerived = (part: SafeQuery["from"]): boolean =>
    part.kind === "derived" || (part.kind === "join" && (hasDerived(part.left) || hasDerived(part.right)));
  return where.flat().some((atom) => atom.protects === true) || hasDerived(from);
}
