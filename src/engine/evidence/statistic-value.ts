import { isFloating, type Aggregate } from "../gate/index.ts";
import { amountSql } from "./part.ts";
import { guarded, rowSql } from "./names.ts";

/** Aggregates whose values and evidence need more than sums over subjects: computed in statements of their own. */
export function isStatistic(aggregate: Aggregate): boolean {
  return aggregate.kind === "quantile" || aggregate.kind === "moments" || aggregate.kind === "distinct";
}

/** Beyond this size a value's square, or its product with another, has no exact sum: it counts as missing. */
const MOST = "2147483648.0";

/** What a row contributes to such an aggregate, or NULL: subjects who contribute nothing else do not count. */
export function statisticValueSql(aggregate: Aggregate): string {
  if (aggregate.kind === "distinct") return guarded(aggregate.argument!);
  if (aggregate.kind === "moments") return `CASE WHEN ${inRange(aggregate)} THEN 1 END`;
  const x = rowSql(aggregate.argument!);
  return isFloating(aggregate.argument!.type) ? `CASE WHEN isfinite(${x}) THEN ${x} END` : x;
}

/** Whether both measures of a pair have values that can be summed; NULL and NaN are not. */
export function inRange(aggregate: Aggregate): string {
  const sizes = measuresSql(aggregate).map((sql) => `abs(${sql}) < ${MOST}`);
  return sizes.join(" AND ");
}

/** x and y of a pair. */
export function measuresSql({ argument, second }: Aggregate): [x: string, y: string] {
  const [x, y] = [second!, argument!].map((one) => `CAST(${amountSql(one)} AS DOUBLE)`);
  return [x!, y!];
}
