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
