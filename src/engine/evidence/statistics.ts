import type { DuckDBConnection } from "@duckdb/node-api";
import type { StatisticsInput } from "./cell-rows.ts";
import { addDistinctValues } from "./distinct-values.ts";
import { addMoments } from "./moments.ts";
import { addQuantiles } from "./quantiles.ts";

/**
 * Values and evidence of the aggregates that are no sums over subjects. They come from statements of their own over the same
 * version of the data, which fill the columns that the table of cells has for them.
 */
export async function addStatistics(connection: DuckDBConnection, input: StatisticsInput): Promise<void> {
  await addQuantiles(connection, input);
  await addMoments(connection, input);
  await addDistinctValues(connection, input);
}
