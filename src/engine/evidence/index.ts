/**
 * The trusted companion of a developer's query: what the engine computes about every cell before anything is
 * decided. All SQL here is generated from the gate's IR; the developer's text is never part of it.
 *
 * Must never show a value or a count to a developer, and must never decide: that is `engine/rules`.
 */
export { boundCellsSql } from "./bounds-sql.ts";
export { distinctFilters, exactCellsSql, magnitudesOf } from "./cells-sql.ts";
export { countingOf, type Counting } from "./counting.ts";
export type {
  AggregateEvidence,
  CellEvidence,
  ContributionEvidence,
  Evidence,
  GroupShares,
  PairEvidence,
  QuantileEvidence,
  Region,
  SplitTest,
} from "./evidence.ts";
export { readGroupShares } from "./groups.ts";
export { conditionSql, isAlways } from "./names.ts";
export { MOST_NAMED, readCells } from "./read.ts";
export { regionFilter } from "./region-filter.ts";
export { releaseSql, type Suppression } from "./release-sql.ts";
export { type Rounding } from "./rounding-sql.ts";
export { settleCells } from "./settle.ts";
export { runSplitTests } from "./split.ts";
export { addStatistics } from "./statistics.ts";
export type { StatisticsInput } from "./cell-rows.ts";
