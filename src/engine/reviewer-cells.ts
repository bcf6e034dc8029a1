import {
  MOST_NAMED,
  type AggregateEvidence,
  type CellEvidence,
  type Evidence,
  type Suppression,
} from "./evidence/index.ts";
import type { SafeQuery } from "./gate/index.ts";
import { statisticCells, statisticColumns } from "./reviewer-statistics.ts";
import type { Interval } from "./suppression/index.ts";

export interface ReviewerCells {
  columns: string[];
  cells: unknown[][];
  truncated: boolean;
}

export interface ReviewerInput {
  query: SafeQuery;
  evidence: Evidence;
  suppressed: readonly Suppression[];
  /** Of hidden cells: how far off their numbers of rows could be for who sees what is shown (R17). */
  open: ReadonlyMap<number, Interval>;
}

/** The evidence as a reviewer reads it: keys, subjects, and per aggregate contributors and the share of the largest. */
export function reviewerCells(input: ReviewerInput): ReviewerCells {
  const { query, evidence } = input;
  const shown = evidence.cells.slice(0, MOST_NAMED);
  const hidden = new Map(input.suppressed.map((one) => [one.cell, one]));
  const cells = shown.map((cell) => [
    ...cell.keys,
    cell.rows,
    ...cell.subjects.map((subjects) => (cell.counted ? subjects : bound(cell, "≥", subjects))),
    ...cell.aggregates.flatMap((classes, a) =>
      classes.flatMap((one) => [...describe(cell, one), ...statisticCells(query.aggregates[a]!, one)]),
    ),
    becauseText(hidden.get(cell.cell)),
    openText(cell, input.open.get(cell.cell)),
  ]);
  return { columns: columnNames(query), cells, truncated: evidence.cells.length > MOST_NAMED };
}

const USUAL = ["contributors", "non-neutral", "off mode", "largest share", "two largest share"];

function columnNames(query: SafeQuery): string[] {
  const classes = query.subjects.map((subject) => query.tables[subject.column.table]!.product);
  return [
    ...query.keys.map((_, i) => `key ${i + 1}`),
    "rows",
    ...classes.map((name) => `subjects ${name}`),
    ...query.aggregates.flatMap((one, i) =>
      classes.flatMap((name) =>
        [...USUAL, ...statisticColumns(one)].map((what) => `a${i} ${one.moments ?? one.kind} ${name} ${what}`),
      ),
    ),
    "suppressed by (R17: for the sake of others)",
    "rows as seen from outside",
  ];
}

/** Which rule hides which aggregates: `R5 a0, R17 a1 a2`; of a row without aggregates, that it is dropped. */
function becauseText(suppressed: Suppression | undefined): string {
  if (!suppressed) return "";
  const rules = new Map<string, string[]>();
  for (const [i, rule] of suppressed.because) rules.set(rule, [...(rules.get(rule) ?? []), `a${i}`]);
  const texts = [...rules].map(([rule, aggregates]) => [rule, ...aggregates].join(" "));
  return texts.join(", ") || "row";
}

function openText({ rows }: CellEvidence, interval: Interval | undefined): string {
  if (!interval) return "";
  const low = Math.max(0, rows - interval.below);
  return interval.above === Infinity ? `≥ ${low}` : `${low}–${rows + interval.above}`;
}

/** Cells that are clear by bounds were not counted further: the reviewer sees that a number is one. */
function bound(cell: CellEvidence, sign: "≥" | "≤", value: number | null): unknown {
  return cell.atLeast && value !== null ? `${sign} ${value}` : value;
}

function describe(cell: CellEvidence, one: AggregateEvidence): unknown[] {
  const { total = 0, largest = [0, 0] } = one;
  const share = (size: number): unknown =>
    bound(cell, "≤", total > 0 ? Number(Math.min(size / total, 1).toPrecision(4)) : null);
  const counts = [one.nonNull, one.nonNeutral, one.offMode ?? null].map((count) => bound(cell, "≥", count));
  return [...counts, share(largest[0]), share(largest[0] + largest[1])];
}
