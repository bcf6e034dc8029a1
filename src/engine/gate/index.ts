/**
 * The plan gate: whether a developer's statement may run, and as what. It reads DuckDB's own bound plan, made on a
 * connection without data, and never the text itself, so analyser and engine cannot disagree.
 *
 * Owns the closed world (gate 1), the safe form (gate 2), its IR and the refusal codes. Must never touch data, never
 * guess about a construct that it does not know, and never put engine text into an answer that saw data.
 */
export { type BoundSql } from "./parameters.ts";
export { judgeForm, type GateDecision, type GateRequest } from "./judge-form.ts";
export { REFUSALS, type RefusalCode } from "./refusal.ts";
export {
  branchesOf,
  queryDigest,
  type Aggregate,
  type Atom,
  type Condition,
  type From,
  type GateCatalogue,
  type Key,
  type SafeQuery,
  type SafeStatement,
  type Source,
  type UnitAggregate,
  withoutPlaces,
} from "./ir.ts";
export { columnsOf, mapExpression, someExpression, type ColumnExpression, type Expression } from "./expression.ts";
export { expressionSql, quoteName } from "./sql-text.ts";
export { planStatement, type OutputColumn } from "./statement.ts";
export { isDecimal, isFloating, isInteger } from "./types.ts";
export { postSql } from "./post-sql.ts";
