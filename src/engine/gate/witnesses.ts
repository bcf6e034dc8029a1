import { columnsOf, type ColumnExpression, type Expression } from "./expression.ts";
import { constantNumber } from "./generalise.ts";
import type { Aggregate } from "./ir.ts";

/**
 * sum(x * (y + 1)) and sum(x) are each a sum over many, but their difference is sum(x * y), to which perhaps one subject
 * contributes. Whatever linear combination of such sums a developer makes, it is one of the sums of their monomials: so
 * each monomial of an argument with an offset is judged beside it, as a sum that is never shown, and an aggregate whose
 * monomial is hidden is hidden with it.
 */
export function withWitnesses(aggregates: readonly Aggregate[]): Aggregate[] {
  const all: Aggregate[] = [...aggregates];
  const places = new Map(all.map((one, i) => [sumKey(one), i]));
  const judged = aggregates.map((aggregate): Aggregate => {
    const witnesses = monomialsOf(aggregate).map((argument) => {
      const witness: Aggregate = {
        kind: "sum",
        argument,
        filter: aggregate.filter,
        elseZero: false,
        type: "DOUBLE",
        isWitness: true,
      };
      const known = places.get(sumKey(witness));
      if (known !== undefined) return known;
      places.set(sumKey(witness), all.length);
      return all.push(witness) - 1;
    });
    return witnesses.length === 0 ? aggregate : { ...aggregate, witnesses };
  });
  return [...judged, ...all.slice(aggregates.length)];
}

function sumKey({ kind, argument, filter }: Aggregate): string {
  const amount = kind === "sum" || kind === "avg" ? "amount" : kind;
  return JSON.stringify([amount, argument ?? null, filter], (name, value: unknown) => (name === "at" ? 0 : value));
}

/** Products of the columns of an argument that its offsets leave beside the whole product; none without an offset. */
function monomialsOf({ kind, argument }: Aggregate): Expression[] {
  if (!argument || !/^(sum|avg|spread)$/.test(kind)) return [];
  const factors = factorsOf(argument).filter((factor) => columnsOf(factor).length > 0);
  const free = factors.filter(hasOffset).length;
  if (free === 0) return [];
  const fixed = factors.filter((factor) => !hasOffset(factor)).map(onlyColumn);
  const movable = factors.filter(hasOffset).map(onlyColumn);
  const subsets = Array.from({ length: 2 ** movable.length }, (_, bits) =>
    movable.filter((_column, i) => Math.floor(bits / 2 ** i) % 2 === 1),
  );
  return subsets.map((chosen) => [...fixed, ...chosen]).flatMap((columns) => productOf(columns) ?? []);
}

function factorsOf(argument: Expression): Expression[] {
  if (argument.kind === "cast") return factorsOf(argument.child);
  const isProduct = argument.kind === "call" && argument.name === "*" && columnsOf(argument).length > 1;
  return isProduct ? argument.children.flatMap(factorsOf) : [argument];
}

function onlyColumn(factor: Expression): ColumnExpression {
  const [column, ...more] = columnsOf(factor);
  if (!column || more.length > 0) throw new Error("a factor of an amount has not one column");
  return column;
}

/** Whether something other than 0 is added to the factor's column, or it is taken from it. */
function hasOffset(factor: Expression): boolean {
  if (factor.kind === "cast") return hasOffset(factor.child);
  if (factor.kind !== "call") return false;
  const isSum = factor.name === "+" || (factor.name === "-" && factor.children.length === 2);
  const adds = isSum && factor.children.some((child) => (constantNumber(child) ?? 0) !== 0);
  return adds || factor.children.some(hasOffset);
}

/** Of several columns in double precision: what is judged is the size of contributions. */
function productOf(columns: readonly ColumnExpression[]): Expression | undefined {
  const [first, ...more] = columns;
  if (!first || more.length === 0) return first;
  return more.reduce<Expression>(
    (product, column) => ({
      kind: "call",
      name: "*",
      type: "DOUBLE",
      operator: true,
      mayOverflow: false,
      children: [product, double(column)],
    }),
    double(first),
  );
}

function double(child: Expression): Expression {
  return { kind: "cast", type: "DOUBLE", safe: false, child };
}
