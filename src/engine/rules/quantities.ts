import { columnsOf, type Aggregate, type SafeQuery } from "../gate/index.ts";

/**
 * Values that tell of each other. Rows (and subjects) stand for whole cells: where they are hidden everything is. The
 * others are joined by the measures that they read: a sum, its mean and its deviation, and what an affine of it gives away.
 */
export interface MeasuredGroup {
  /** Aggregates of each leaf of the set that has some. */
  aggregates: ReadonlyMap<number, readonly number[]>;
  /** What is summed alike in all of these leaves: one aggregate of each leaf. */
  common: ReadonlyMap<number, number>[];
}

export function isCount({ kind, argument }: Aggregate): boolean {
  return kind === "rows" || kind === "subjects" || (kind !== "values" && argument?.kind === "constant");
}

export function measuredGroups(leaves: readonly { leaf: number; query: SafeQuery }[]): MeasuredGroup[] {
  const groups = new Map<string, Set<string>>();
  for (const one of leaves.flatMap(({ query }) => query.aggregates)) {
    if (!isCount(one)) join(groups, columnNames(one));
  }
  return [...new Set(groups.values())].map((columns) => groupOf(leaves, columns));
}

function columnNames({ argument, second }: Aggregate): string[] {
  return [argument, second].flatMap((one) => (one ? columnsOf(one).map(({ table, name }) => `${table} ${name}`) : []));
}

function join(groups: Map<string, Set<string>>, names: readonly string[]): void {
  const all = new Set([...names, ...names.flatMap((name) => [...(groups.get(name) ?? [])])]);
  for (const name of all) groups.set(name, all);
}

function groupOf(leaves: readonly { leaf: number; query: SafeQuery }[], columns: ReadonlySet<string>): MeasuredGroup {
  const aggregates = new Map<number, number[]>();
  for (const { leaf, query } of leaves) {
    const own = [...query.aggregates.keys()].filter((i) => {
      const one = query.aggregates[i]!;
      return !isCount(one) && columnNames(one).some((name) => columns.has(name));
    });
    if (own.length > 0) aggregates.set(leaf, own);
  }
  const texts = [...aggregates].map(([leaf, own]) => {
    const { query } = leaves.find((one) => one.leaf === leaf)!;
    return { leaf, byText: new Map(own.map((i) => [summedText(query.aggregates[i]!), i])) };
  });
  const names = [...(texts[0]?.byText.keys() ?? [])].filter((text) => texts.every(({ byText }) => byText.has(text)));
  const common = names.map((text) => new Map(texts.map(({ leaf, byText }) => [leaf, byText.get(text)!])));
  return { aggregates, common };
}

/** Sum and mean of the same have the same contributions. */
function summedText({ kind, argument, second }: Aggregate): string {
  return JSON.stringify([kind === "avg" ? "sum" : kind, argument, second ?? null]);
}
