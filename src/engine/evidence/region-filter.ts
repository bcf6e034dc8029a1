import { columnsOf, type Aggregate, type Condition, type SafeQuery } from "../gate/index.ts";
import { conditionSql } from "./names.ts";

/**
 * The filter by which an aggregate cuts the subjects of a cell (R4). That both values of a pair are there counts when
 * another sum over one of its measures is taken over other rows: only then do the incomplete pairs follow from the two.
 */
export function regionFilter(query: SafeQuery, one: Aggregate): Condition {
  const asked = one.filter.map((atoms) => atoms.filter((atom) => !atom.implied));
  const isImplied = asked.some((atoms, i) => atoms.length < one.filter[i]!.length);
  return isImplied && !hasRival(query, one) ? asked : one.filter;
}

function hasRival({ aggregates }: SafeQuery, one: Aggregate): boolean {
  const [filter, measures] = [conditionSql(one.filter), measuresOf(one)];
  return aggregates.some((other) => {
    const isSum = /^(sum|avg|spread|moments)$/.test(other.kind);
    return isSum && conditionSql(other.filter) !== filter && measuresOf(other).some((name) => measures.includes(name));
  });
}

/** Of a pair: those that its conditions name, for a mean over pairs has one measure as its argument and two in its filter. */
function measuresOf({ argument, second, filter }: Aggregate): string[] {
  const implied = filter.flat().filter((atom) => atom.implied);
  const expressions = [argument, second, ...implied.map((atom) => atom.expression)];
  return expressions.flatMap((one) => (one ? columnsOf(one).map(({ table, name }) => `${table} ${name}`) : []));
}
