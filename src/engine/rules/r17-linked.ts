import type { EgressProfile } from "#contract/profile.ts";
import { isAlways, type AggregateEvidence, type Evidence } from "../evidence/index.ts";
import type { SafeQuery } from "../gate/index.ts";
import { feasibleInterval, PRIMARY, protect, SHOWN } from "../suppression/index.ts";
import { Hiding, type LinkedJudgement, type LinkedLeaf } from "./hiding.ts";
import { finestOf, hiddenCells, patternOf, tablesOf, type LinkedCells, type TablesOfLeaves } from "./linked-tables.ts";
import { isEstimable } from "./r05-p-percent.ts";
import { measuredGroups, type MeasuredGroup } from "./quantities.ts";

/**
 * How a linked set is protected. `none`: one leaf comprises the others' keys, nothing is hidden and filters agree, so all
 * of it may be shown. `nested`: one leaf comprises the others' keys and nothing is filtered, so that every cell is a sum of
 * that leaf's. `crossed`: no leaf does, so that the sums of cells may give away what no leaf shows (people under 25
 * less people under 20): a companion leaf with all keys is needed to see it. `cautious`: anything else.
 */
export function linkedForm(leaves: readonly LinkedLeaf[]): "none" | "nested" | "crossed" | "cautious" {
  const filters = new Set(leaves.map(({ query }) => filtersOf(query)));
  const isFiltered = leaves.some(({ query }) => query.aggregates.some((one) => !isAlways(one.filter)));
  const isNested = finestOf(leaves) !== undefined;
  if (filters.size > 1) return "cautious";
  if (isNested && leaves.every(({ suppressed }) => suppressed.length === 0)) return "none";
  if (isFiltered || hasGroups(leaves)) return "cautious";
  return isNested ? "nested" : "crossed";
}

/** What R7 hides is a share, and no interval of a number keeps that secret. */
function hasGroups(leaves: readonly LinkedLeaf[]): boolean {
  return leaves.some(({ suppressed }) => suppressed.some(({ because }) => [...because.values()].includes("R7")));
}

function filtersOf(query: SafeQuery): string {
  return JSON.stringify([...new Set(query.aggregates.map((one) => JSON.stringify(one.filter)))].toSorted());
}

/** R17 in its cautious form: of tables that could undo what one of them hides only the one with most keys is shown. */
export function cautiousRule(leaves: readonly LinkedLeaf[]): LinkedJudgement {
  const finest = leaves.reduce((best, one) => (one.query.keys.length > best.query.keys.length ? one : best));
  const hiding = new Hiding(leaves);
  for (const { leaf, query, evidence } of leaves) {
    if (leaf === finest.leaf) continue;
    for (const { cell } of evidence.cells) hiding.add({ leaf, cell, aggregates: [...query.aggregates.keys()] });
  }
  return hiding.judgement({
    ...base,
    code: "margin_of_hidden",
    message: "Tables over the same rows that would give away hidden values or small groups are suppressed",
  });
}

const base = { rule: "R17", family: "differencing" } as const;

/**
 * R17, complementary suppression: further cells are hidden until every hidden one is provably open by its protection
 * level. First whole cells, by their rows, then what measures say.
 */
export function complementRule(
  leaves: readonly LinkedLeaf[],
  cells: LinkedCells,
  profile: EgressProfile,
): LinkedJudgement {
  const scope: Scope = { leaves, cells, profile, hiding: new Hiding(leaves) };
  const companion = leaves.find(({ isCompanion }) => isCompanion);
  // Nobody sees a cell of it.
  for (const { cell } of companion?.evidence.cells ?? []) {
    scope.hiding.add({ leaf: companion!.leaf, cell, aggregates: [...companion!.query.aggregates.keys()] });
  }
  protectRows(scope);
  for (const group of measuredGroups(leaves)) protectMeasured(scope, group);
  return scope.hiding.judgement({
    ...base,
    code: "complement_of_hidden",
    message: "Values from which hidden ones would follow are suppressed too",
  });
}

interface Scope {
  leaves: readonly LinkedLeaf[];
  cells: LinkedCells;
  profile: EgressProfile;
  hiding: Hiding;
}

/** Rows of cells: what is hidden here is hidden whole. A count must stay open by k, or by p % of who has most rows. */
function protectRows({ leaves, cells, profile, hiding }: Scope): void {
  const tables = tablesOf(
    cells,
    leaves.map(({ leaf }) => leaf),
    cells.finest,
  );
  const counted = leaves.some(({ query }) => query.aggregates.some((one) => one.kind === "subjects"));
  const finest = leaves.find(({ leaf }) => leaf === cells.finest)!;
  const room = Float64Array.from(finest.evidence.cells, ({ rows, subjects }) =>
    counted ? Math.min(rows, ...subjects) : rows,
  );
  const pattern = patternOf(tables, (leaf, cell) => hiding.rowStatus(leaf, cell));
  const isUnseen = finest.isCompanion === true;
  const level = levelOf(leaves, tables, ({ query, evidence }, cell) => {
    const rows = query.aggregates.findIndex((one) => one.kind === "rows");
    return Math.max(profile.minSubjects.value, ...sizesOf(evidence, { cell, aggregate: rows, profile }));
  });
  const found = protect(tables.linked, { pattern, room, level, isUnseen });
  const hidden = hiddenCells(tables, found.pattern);
  for (const { leaf, cell } of hidden) {
    hiding.add({ leaf, cell, aggregates: [...hiding.query(leaf).aggregates.keys()] });
  }
  if (found.pattern[0]!.filter((one) => one !== SHOWN).length > MOST_AUDITED) return;
  for (const { leaf, cell, table, place } of hidden.slice(0, MOST_AUDITED)) {
    if (pattern[table]![place] !== PRIMARY) continue;
    hiding.setOpen(
      { leaf, cell },
      feasibleInterval(tables.linked, { pattern: found.pattern, room }, { table, cell: place }),
    );
  }
}

/** For reviewers intervals are computed where that takes milliseconds; the proofs hold for all sizes. */
const MOST_AUDITED = 100;

/** Sums and means of measures: open by p % of the largest contribution. */
function protectMeasured(scope: Scope, group: MeasuredGroup): void {
  const { leaves, cells, profile, hiding } = scope;
  const own = leaves.filter(({ leaf }) => group.aggregates.has(leaf));
  const finest = finestOf(own);
  if (finest === undefined || group.common.length === 0) return hideCoarser(scope, own, group);
  const tables = tablesOf(
    cells,
    own.map(({ leaf }) => leaf),
    finest,
  );
  const { evidence, isCompanion: isUnseen = false } = own.find(({ leaf }) => leaf === finest)!;
  for (const common of group.common) {
    const aggregate = common.get(finest)!;
    const room = Float64Array.from(evidence.cells, (cell) =>
      Math.min(...cell.aggregates[aggregate]!.map(({ total = 0 }) => total)),
    );
    const level = levelOf(own, tables, (leaf, cell) =>
      Math.max(0, ...sizesOf(leaf.evidence, { cell, aggregate: common.get(leaf.leaf)!, profile })),
    );
    const pattern = patternOf(tables, (leaf, cell) => hiding.status(leaf, cell, group.aggregates.get(leaf)!));
    const found = protect(tables.linked, { pattern, room, level, isUnseen });
    for (const { leaf, cell } of hiddenCells(tables, found.pattern)) {
      hiding.add({ leaf, cell, aggregates: group.aggregates.get(leaf)! });
    }
  }
}

/** Leaves none of which comprises the others: of what they say of one measure only the finest is shown. */
function hideCoarser({ hiding }: Scope, own: readonly LinkedLeaf[], group: MeasuredGroup): void {
  const isHiding = ({ leaf, evidence }: LinkedLeaf): boolean =>
    evidence.cells.some(({ cell }) => hiding.status(leaf, cell, group.aggregates.get(leaf)!) !== SHOWN);
  if (!own.some(isHiding)) return;
  const finest = own.reduce((best, one) => (one.query.keys.length > best.query.keys.length ? one : best));
  for (const { leaf, evidence } of own) {
    if (leaf === finest.leaf) continue;
    for (const { cell } of evidence.cells) hiding.add({ leaf, cell, aggregates: group.aggregates.get(leaf)! });
  }
}

/**
 * How far a value must stay open upwards, so that nobody can estimate the largest contribution to within p %: as
 * tau-argus has it, p % of the largest less what the others hold already; p % of it where other rules have hidden.
 */
export function protectionLevel(one: AggregateEvidence, percent: number): number {
  const { total = 0, largest = [0, 0] } = one;
  const wanted = (percent / 100) * largest[0];
  return isEstimable(one, percent) ? wanted - (total - largest[0] - largest[1]) : wanted;
}

function sizesOf(
  { cells }: Evidence,
  { cell, aggregate, profile }: { cell: number; aggregate: number; profile: EgressProfile },
): number[] {
  return (cells[cell]?.aggregates[aggregate] ?? []).map((one) => protectionLevel(one, profile.pPercent.value));
}

/** The level of a table's cell is the highest that one of its leaves asks. */
function levelOf(
  leaves: readonly LinkedLeaf[],
  { tables }: TablesOfLeaves,
  ofLeaf: (leaf: LinkedLeaf, cell: number) => number,
): (table: number, cell: number) => number {
  return (table, place) => {
    const levels = tables[table]!.leaves.map(({ leaf, toTable }) =>
      ofLeaf(
        leaves.find((one) => one.leaf === leaf)!,
        toTable.indexOf(place),
      ),
    );
    return Math.max(...levels);
  };
}
