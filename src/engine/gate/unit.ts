import { readContribution, requireBare } from "./contribution.ts";
import { isOpen } from "./atom.ts";
import { derive, derivedColumn, type DerivedScope } from "./derived.ts";
import { columnsOf, placeOf, withoutIdleCasts, type Expression } from "./expression.ts";
import { connectFilters, isSubjectKey, path, subjectClasses } from "./from.ts";
import { constantNumber, manifestColumn } from "./generalise.ts";
import { labelOf, type DerivedColumn, type Source, type UnitAggregate } from "./ir.ts";
import { readKey } from "./keys.ts";
import { readInner } from "./mark.ts";
import type { PlanAggregate } from "./plan-window.ts";
import type { RawRelation } from "./relation.ts";
import { refuse } from "./refusal.ts";
import { checkAmounts } from "./repeated.ts";

/** Whether rows are grouped by a subject key: then what comes of it is rows again, one per subject. */
export function isUnit(scope: DerivedScope, groups: readonly Expression[]): boolean {
  return groups.some((group) => {
    const bare = withoutIdleCasts(group);
    return bare.kind === "column" && isSubjectKey(scope, bare);
  });
}

/** One row per subject: its keys, and what its rows come to as measures of the subject. */
export function unitRows(
  scope: DerivedScope,
  child: RawRelation,
  { groups, calls }: { groups: readonly Expression[]; calls: readonly PlanAggregate[] },
): RawRelation {
  const read = [...groups, ...calls.flatMap((call) => call.children)];
  const raw = connectFilters(scope, { ...child, columns: read });
  checkSubjects(scope, raw, groups);
  const where = readInner(scope, raw.filters);
  const keys = groups.map((group, i) => keyColumn(scope, group, i));
  const aggregates = calls.map((call) => readUnitAggregate(scope, call));
  checkTotals(aggregates);
  checkAmounts(scope.tables, raw.from!, aggregates.flatMap(amountsOf));
  const totals = aggregates.map((one, i) => totalColumn(scope, one, i));
  const source: Source = { kind: "unit", from: raw.from!, where, keys: [...groups], aggregates };
  const { from, columns } = derive(scope, source, [...keys, ...totals]);
  return { grain: "raw", from, filters: [], columns };
}

/** Every kind of subject whose rows are read is among the keys: no row mixes several. */
function checkSubjects(scope: DerivedScope, raw: RawRelation, groups: readonly Expression[]): void {
  const bare = groups.map(withoutIdleCasts);
  const isKey = (table: number): boolean =>
    bare.some((one) => one.kind === "column" && one.table === table && isSubjectKey(scope, one));
  const mixed = subjectClasses(scope.tables, raw.from!).find(({ tables }) => !tables.some(isKey));
  if (!mixed) return;
  refuse("unit_refused", {
    construct: `rows of several ${scope.tables[mixed.column.table]!.product}`,
    suggestion: "Group by the subject key of every protected table that is joined, or join after grouping",
  });
}

function keyColumn(scope: DerivedScope, group: Expression, i: number): DerivedColumn {
  const name = `k${i}`;
  const bare = withoutIdleCasts(group);
  if (bare.kind === "column" && isSubjectKey(scope, bare)) {
    return derivedColumn(name, {
      role: "subject_key",
      type: bare.type,
      label: labelOf(manifestColumn(scope, bare)),
      path: path(scope, bare),
    });
  }
  const key = readKey(scope, group);
  return derivedColumn(name, {
    role: "dimension",
    type: key.type,
    ...(bare.kind === "column" ? { path: path(scope, bare), label: labelOf(manifestColumn(scope, bare)) } : {}),
    ...(key.generalised ? { generalised: true } : {}),
  });
}

const NAMES: Readonly<Record<string, UnitAggregate["name"]>> = {
  count_star: "count",
  count: "count",
  sum: "sum",
  avg: "avg",
  mean: "avg",
  min: "min",
  max: "max",
};

function readUnitAggregate(scope: DerivedScope, call: PlanAggregate): UnitAggregate {
  const name = NAMES[call.name];
  const construct = `${call.name === "count_star" ? "count" : call.name}() per subject`;
  if (!name) return refuse("unit_refused", { at: call.at, construct, suggestion: "Use count, sum, avg, min or max" });
  const [argument, ...more] = call.children;
  const hasCase = argument?.kind === "case" || (argument?.kind === "cast" && argument.child.kind === "case");
  if (call.filter || hasCase) {
    const suggestion = "Put the condition into the WHERE of the per-subject query";
    return refuse("unit_refused", { at: call.at, construct, suggestion });
  }
  if (more.length > 0 || (call.distinct && name !== "count")) return refuse("unit_refused", { at: call.at, construct });
  const common = { name, distinct: call.distinct, type: call.type };
  if (!argument || (name === "count" && argument.kind === "constant")) return common;
  return { ...common, argument: readArgument(scope, call, { name, argument }) };
}

function readArgument(
  scope: DerivedScope,
  call: PlanAggregate,
  { name, argument }: { name: UnitAggregate["name"]; argument: Expression },
): Expression {
  const bare = withoutIdleCasts(argument);
  if (name === "sum" || name === "avg") {
    // an offset would stand in every subject's total, where nothing tells it from the subject's own
    requireBare(call, argument);
    return readContribution(scope, call, argument);
  }
  if (name === "count" && bare.kind === "column") return bare;
  if ((name === "min" || name === "max") && bare.kind === "column") {
    const column = manifestColumn(scope, bare);
    if (isOpen(column) || column.role === "measure") return bare;
  }
  return refuse("unit_refused", { at: call.at ?? placeOf(argument), construct: `${call.name}(…) per subject` });
}

const amountsOf = ({ name, argument }: UnitAggregate): Expression[] => (argument && name !== "count" ? [argument] : []);

/** Two ways of counting the same rows, or of making one of the same amounts, differ by what few subjects have. */
function checkTotals(aggregates: readonly UnitAggregate[]): void {
  const counted = aggregates
    .filter(({ name }) => name === "count")
    .map(({ argument, distinct }) => JSON.stringify([argument ?? "*", distinct]));
  if (new Set(counted).size > 1) {
    refuse("unit_refused", { construct: "count()", suggestion: "Count rows in one way in a per-subject query" });
  }
  const made = new Map<string, string>();
  for (const { name, argument } of aggregates) {
    for (const column of name === "count" || !argument ? [] : columnsOf(argument)) {
      const key = `${column.table} ${column.name}`;
      const way = `${name} ${JSON.stringify(argument)}`;
      if ((made.get(key) ?? way) !== way) {
        const suggestion = "Take each measure in one way in a per-subject query";
        refuse("unit_refused", { construct: `${name}()`, suggestion });
      }
      made.set(key, way);
    }
  }
}

const counted = (type: string) =>
  ({ role: "measure", type, generalise: ["bin:1"], total: true, nullCount: 0 }) satisfies Partial<DerivedColumn>;

function totalColumn(scope: DerivedScope, one: UnitAggregate, i: number): DerivedColumn {
  const name = `a${i}`;
  const { type } = one;
  const label = `${one.name}() per subject`;
  if (one.name === "count") return derivedColumn(name, { ...counted(type), label });
  const columns = one.argument && constantNumber(one.argument) === undefined ? columnsOf(one.argument) : [];
  const isOrdinary = columns.some((column) => manifestColumn(scope, column).role !== "measure");
  if (isOrdinary) return derivedColumn(name, { role: "dimension", type, label, generalised: true });
  return derivedColumn(name, { role: "measure", type, label, total: true });
}
