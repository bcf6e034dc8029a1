import { readAggregate } from "./aggregates.ts";
import { cells } from "./cells.ts";
import type { Expression } from "./expression.ts";
import type { Aggregate } from "./ir.ts";
import type { Plan } from "./plan.ts";
import type { PlanAggregate } from "./plan-window.ts";
import { substitute } from "./post.ts";
import { refuse } from "./refusal.ts";
import type { CellRelation, PostRelation, RawRelation } from "./relation.ts";
import { checkAmounts } from "./repeated.ts";
import { postProject, toPost, type PostScope } from "./to-post.ts";
import { withWitnesses } from "./witnesses.ts";

/** Filtered aggregates in one statement: their regions are counted one by one. */
const MOST_FILTERED = 16;

/** ROLLUP, CUBE and GROUPING SETS: each level is a leaf; the others' keys are NULL in it. */
export function oneSet(
  scope: PostScope,
  { child, plan, set }: { child: RawRelation; plan: Extract<Plan, { op: "aggregate" }>; set: readonly number[] },
): PostRelation {
  const groups = set.map((index) => plan.groups[index]!);
  const level = toPost(scope, aggregateRows(scope, child, { ...plan, groups }));
  const cell = (index: number): Expression => ({ kind: "ref", index, type: level.types[index]! });
  const keys = plan.groups.map(({ type }, i) =>
    set.includes(i) ? cell(set.indexOf(i)) : ({ kind: "constant", type, value: null } as const),
  );
  const values = plan.aggregates.map((_, i) => cell(set.length + i));
  const levels = plan.levels.map((asked): Expression => {
    const bits = asked.reduce((sum, group) => sum * 2 + (set.includes(group) ? 0 : 1), 0);
    return { kind: "constant", type: "BIGINT", value: String(bits) };
  });
  return postProject(level, [...keys, ...values, ...levels]);
}

/** Raw → cells: what each group shows. */
export function aggregateRows(
  scope: PostScope,
  child: RawRelation,
  plan: Pick<Extract<Plan, { op: "aggregate" }>, "groups" | "aggregates">,
): CellRelation {
  const groups = plan.groups.map((group) => substitute(group, child.columns));
  const relation = cells(scope, child, groups);
  relation.aggregates = callsOf(plan, child).map((call) =>
    readAggregate({ ...scope, subjects: relation.subjects }, call),
  );
  if (relation.raw.from) checkAmounts(scope.tables, relation.raw.from, relation.aggregates.flatMap(amountsOf));
  if (relation.aggregates.filter((one) => one.filter.every((atoms) => atoms.length > 0)).length > MOST_FILTERED) {
    return refuse("predicate_too_complex", { construct: "FILTER" });
  }
  relation.columns = [...relation.keys, ...relation.aggregates].map(({ type }, index) => ({
    kind: "cell",
    index,
    type,
  }));
  relation.aggregates = withWitnesses(relation.aggregates);
  return relation;
}

const amountsOf = ({ argument, second, kind }: Aggregate): Expression[] =>
  kind === "subjects" || kind === "distinct" ? [] : [argument, second].filter((one) => one !== undefined);

/** Aggregate calls over what stands in the columns of the relation below. */
export function callsOf({ aggregates }: { aggregates: readonly PlanAggregate[] }, child: RawRelation): PlanAggregate[] {
  return aggregates.map((call) => ({
    ...call,
    children: call.children.map((argument) => substitute(argument, child.columns)),
    filter: call.filter && substitute(call.filter, child.columns),
  }));
}
