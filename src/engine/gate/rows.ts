import { checkFunctions, isCounted, isOpen } from "./atom.ts";
import { derive, derivedColumn, type DerivedScope } from "./derived.ts";
import { columnsOf, placeOf, withoutIdleCasts, type ColumnExpression, type Expression } from "./expression.ts";
import { connectFilters, isMissing, isRule, isSubjectKey, path, subjectClasses } from "./from.ts";
import { manifestColumn } from "./generalise.ts";
import { labelOf, type Branch, type DerivedColumn, type SubjectClass } from "./ir.ts";
import { readInner } from "./mark.ts";
import type { RawRelation } from "./relation.ts";
import { refuse } from "./refusal.ts";
import { checkAmounts } from "./repeated.ts";
import { keepsValues } from "./types.ts";

/** Rows as a relation of its own: what stands to the right of a LEFT JOIN, or the branches of UNION ALL. */
export function derivedRows(scope: DerivedScope, relations: readonly RawRelation[]): RawRelation {
  const parts = relations.map((relation) => partOf(scope, relation));
  const width = parts[0]!.branch.columns.length;
  const columns = Array.from({ length: width }, (_, i) => joinedColumn(scope, parts, i));
  const hidden = hiddenSubjects(scope, parts, columns);
  for (const part of parts) checkMeasures(scope, part, columns);
  const branches = parts.map(({ branch }, b) => ({
    ...branch,
    columns: [...branch.columns, ...hidden.map(({ keys }) => keys[b]!)],
  }));
  const all = [...columns, ...hidden.map(({ column }) => column)];
  const derived = derive(scope, { kind: "rows", branches }, all);
  return { grain: "raw", from: derived.from, filters: [], columns: derived.columns.slice(0, width) };
}

/** The right side of a LEFT JOIN: conditions of its own hold before rows without a partner are added. */
export function optionalRows(scope: DerivedScope, relation: RawRelation): RawRelation {
  const { from, filters, columns } = relation;
  if (!from) return refuse("join_form_refused", { construct: "LEFT JOIN of constants" });
  const isPlain = from.kind !== "join" && filters.length === 0 && columns.every((column) => column.kind === "column");
  return isPlain ? relation : derivedRows(scope, [relation]);
}

interface Part {
  branch: Branch;
  classes: SubjectClass[];
  columns: DerivedColumn[];
}

function partOf(scope: DerivedScope, relation: RawRelation): Part {
  const { from, filters, columns } = connectFilters(scope, relation);
  if (!from) return refuse("set_operation_refused", { construct: "constants below rows" });
  const branch = { from, where: readInner(scope, filters), columns };
  return {
    branch,
    classes: subjectClasses(scope.tables, from),
    columns: columns.map((column, i) => columnFrom(scope, column, `c${i}`)),
  };
}

/** What is known of an expression over rows; what cannot be known is of no use above. */
function columnFrom(scope: DerivedScope, expression: Expression, name: string): DerivedColumn {
  const { type } = expression;
  const bare = bareColumn(expression);
  if (bare) {
    const known = manifestColumn(scope, bare);
    const { role, generalise, generalised, total, nullCount } = known;
    return {
      ...derivedColumn(name, { role, type, nullCount, label: labelOf(known) }),
      ...(generalise ? { generalise } : {}),
      ...(generalised || isMissing(scope, bare) ? { generalised: true } : {}),
      ...(total ? { total } : {}),
      ...(bare.type === type ? { path: path(scope, bare) } : {}),
    };
  }
  const columns = columnsOf(expression).map((column) => manifestColumn(scope, column));
  if (!columns.every(isOpen)) return derivedColumn(name, { role: "identifier", type });
  checkFunctions(expression);
  const generalised = columns.some((column) => column.generalised);
  return derivedColumn(name, { role: "dimension", type, ...(generalised ? { generalised } : {}) });
}

/** A column under casts that keep every value, as the branches of a union get them. */
function bareColumn(expression: Expression): ColumnExpression | undefined {
  let part = withoutIdleCasts(expression);
  while (part.kind === "cast" && keepsValues(part.child.type, part.type)) part = part.child;
  return part.kind === "column" ? part : undefined;
}

const ORDER = ["public", "dimension", "measure", "quasi_identifier", "sensitive", "identifier", "subject_key"];

/** The strictest of what the branches say about one position. */
function joinedColumn(scope: DerivedScope, parts: readonly Part[], i: number): DerivedColumn {
  const own = parts.map((part) => part.columns[i]!);
  const first = own[0]!;
  if (parts.length === 1) return first;
  const roles = new Set(own.map(({ role }) => (role === "public" ? "dimension" : role)));
  if (roles.has("subject_key") && roles.size === 1) checkSameSubjects(scope, parts, i);
  const mixed = roles.size > 1;
  if (mixed && roles.has("measure")) {
    const at = parts.map(({ branch }) => placeOf(branch.columns[i]!)).find((place) => place !== undefined);
    const suggestion = "Put the same kind of column into each position of all parts";
    refuse("set_operation_refused", { at, construct: "a measure beside something else", suggestion });
  }
  const role = mixed
    ? "identifier"
    : own
        .map((one) => one.role)
        .toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
        .at(-1)!;
  const same = <T>(of: (column: DerivedColumn) => T): T | undefined =>
    own.every((column) => JSON.stringify(of(column)) === JSON.stringify(of(first))) ? of(first) : undefined;
  const generalise = own.every(isCounted) ? first.generalise : same((column) => column.generalise);
  const from = same((column) => column.path);
  return {
    ...derivedColumn(first.name, { role, type: first.type, label: labelOf(first) }),
    ...(generalise ? { generalise } : {}),
    ...(own.some((column) => column.generalised) ? { generalised: true } : {}),
    ...(own.some((column) => column.total) ? { total: true } : {}),
    ...(from === undefined ? {} : { path: from }),
  };
}

/** Subjects are the same in all branches when the agreement joins them, or when they are of one product. */
function checkSameSubjects(scope: DerivedScope, parts: readonly Part[], i: number): void {
  const paths = parts.map(({ branch }) => keyPath(scope, branch.columns[i]!));
  requireLinked(scope, paths);
}

function requireLinked(scope: DerivedScope, [first, ...others]: readonly string[]): void {
  const other = others.find((one) => one !== first && !isRule(scope, first!, one));
  if (other !== undefined) refuse("join_not_allowed", { construct: `${first!} with ${other}` });
}

function keyPath(scope: DerivedScope, expression: Expression): string {
  const bare = bareColumn(expression);
  return bare && isSubjectKey(scope, bare) ? path(scope, bare) : "";
}

interface Hidden {
  column: DerivedColumn;
  keys: ColumnExpression[];
}

/** Subjects that are not selected are carried on: k holds for them above too. */
function hiddenSubjects(scope: DerivedScope, parts: readonly Part[], columns: readonly DerivedColumn[]): Hidden[] {
  if (parts.length > 1) return hiddenOfUnion(scope, parts, columns);
  const { branch, classes } = parts[0]!;
  const isShown = ({ tables }: SubjectClass): boolean =>
    branch.columns.some((column) => {
      const bare = bareColumn(column);
      return bare !== undefined && tables.includes(bare.table) && isSubjectKey(scope, bare);
    });
  return classes
    .filter((one) => !isShown(one))
    .map(({ column }, i) => ({ column: subjectColumn(columns.length + i, path(scope, column)), keys: [column] }));
}

function hiddenOfUnion(scope: DerivedScope, parts: readonly Part[], columns: readonly DerivedColumn[]): Hidden[] {
  const counts = new Set(parts.map(({ classes }) => classes.length));
  if (counts.size > 1 || parts[0]!.classes.length > 1) {
    return refuse("set_operation_refused", {
      construct: "UNION ALL of different kinds of rows",
      word: "union",
      suggestion: "Each part must have rows of the same one kind of subject, or of public tables",
    });
  }
  if (parts[0]!.classes.length === 0 || columns.some(({ role }) => role === "subject_key")) return [];
  const keys = parts.map(({ classes }) => classes[0]!.column);
  requireLinked(
    scope,
    keys.map((key) => path(scope, key)),
  );
  return [{ column: subjectColumn(columns.length, path(scope, keys[0]!)), keys }];
}

function subjectColumn(i: number, from: string): DerivedColumn {
  return derivedColumn(`c${i}`, { role: "subject_key", type: "UINTEGER", path: from });
}

/** One amount in two positions would cancel out in a difference, and leave the other branches' amounts alone. */
function checkMeasures(scope: DerivedScope, { branch }: Part, columns: readonly DerivedColumn[]): void {
  checkAmounts(
    scope.tables,
    branch.from,
    branch.columns.filter((_, i) => columns[i]?.role === "measure"),
  );
  const measures = columns.flatMap(({ role }, i) =>
    role === "measure" ? [JSON.stringify(bareColumn(branch.columns[i]!))] : [],
  );
  if (new Set(measures).size === measures.length) return;
  refuse("set_operation_refused", {
    construct: "a measure twice",
    word: "union",
    suggestion: "Select each measure once in each part",
  });
}
