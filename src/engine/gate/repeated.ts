import { columnsOf, type Expression } from "./expression.ts";
import { branchesOf, type From, type TableReference } from "./ir.ts";
import { refuse } from "./refusal.ts";

interface Reading {
  product: string;
  /** Whether only some of its rows are read, beside which all of them could stand. */
  chosen: boolean;
}

/**
 * The same rows twice beside each other, once all and once chosen by conditions inside of a derived relation, would put two
 * numbers into one row of which only few subjects make the difference. Marks give no amounts: they are conditions.
 */
export function checkRepeated(tables: readonly TableReference[], from: From): void {
  const all = readings(tables, from, false);
  const twice = all.find(({ product, chosen }) => chosen && all.filter((one) => one.product === product).length > 1);
  if (!twice) return;
  refuse("unit_refused", {
    construct: twice.product,
    suggestion: `Read ${twice.product} once: put its conditions into the outer WHERE, or ask in two statements`,
  });
}

function readings(tables: readonly TableReference[], from: From, chosen: boolean): Reading[] {
  if (from.kind === "join") return [...readings(tables, from.left, chosen), ...readings(tables, from.right, chosen)];
  if (from.kind === "table") {
    const { product, subjectKey } = tables[from.table]!;
    return subjectKey === undefined ? [] : [{ product, chosen }];
  }
  const { source } = from;
  if (source.kind === "mark" || source.kind === "gap") return [];
  return branchesOf(source).flatMap((branch) => {
    const isChoosing = branch.where.some((atoms) => atoms.some((atom) => !atom.constant));
    return readings(tables, branch.from, chosen || isChoosing);
  });
}

/**
 * Amounts of the same rows from two readings of them, of which a condition on one chooses the rows, would differ by few
 * too: all amounts of one product come from one reading.
 */
export function checkAmounts(tables: readonly TableReference[], from: From, amounts: readonly Expression[]): void {
  const read = [...new Set(amounts.flatMap(columnsOf).map(({ table }) => table))];
  const behind = read.map((table) => ({ table, products: productsOf(tables, relationAt(from, table)) }));
  const shared = behind.find(({ table, products }) =>
    behind.some((other) => other.table !== table && other.products.some((product) => products.includes(product))),
  );
  if (!shared) return;
  refuse("unit_refused", {
    construct: shared.products.join(", "),
    suggestion: "Sum the rows, or the totals of one per-subject query, not both in one statement",
  });
}

function relationAt(from: From, table: number): From | undefined {
  if (from.kind === "join") return relationAt(from.left, table) ?? relationAt(from.right, table);
  return from.table === table ? from : undefined;
}

function productsOf(tables: readonly TableReference[], from: From | undefined): string[] {
  return from ? readings(tables, from, false).map(({ product }) => product) : [];
}
