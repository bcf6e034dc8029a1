import type { DuckDBConnection } from "@duckdb/node-api";
import type { SafeQuery } from "./gate/index.ts";
import { keyText, type LinkedCells } from "./rules/index.ts";

interface LinkedInput {
  /** Leaves of one set, by their place in the statement, with their tables of cells. */
  leaves: readonly { leaf: number; query: SafeQuery; table: string }[];
  finest: number;
}

/** Which cell of each leaf every cell of the finest leaf is counted in: ordinals and codes of keys, no value. */
export async function readLinkedCells(data: DuckDBConnection, input: LinkedInput): Promise<LinkedCells> {
  const finest = input.leaves.find((one) => one.leaf === input.finest)!;
  const others = input.leaves.filter((one) => one !== finest);
  const places = new Map(finest.query.keys.map((key, i) => [keyText(key), i]));
  const keysOf = (query: SafeQuery): number[] => query.keys.map((key) => places.get(keyText(key))!);
  const joins = others.map(({ query, table }, i) => {
    const on = keysOf(query).map((place, own) => `f.k${place} IS NOT DISTINCT FROM m${i}.k${own}`);
    return `JOIN ${table} AS m${i} ON ${on.join(" AND ") || "TRUE"}`;
  });
  const columns = [
    ...finest.query.keys.map((_, i) => `dense_rank() OVER (ORDER BY f.k${i} NULLS LAST) - 1`),
    ...others.map((_, i) => `m${i}.cell`),
  ];
  const sql = `SELECT ${columns.join(", ")} FROM ${finest.table} AS f ${joins.join(" ")} ORDER BY f.cell`;
  const rows = (await data.runAndReadAll(sql)).getRows();
  const column = (at: number): Int32Array => Int32Array.from(rows, (row) => Number(row[at]));
  const width = finest.query.keys.length;
  const own = Int32Array.from(rows, (_, i) => i);
  return {
    finest: input.finest,
    codes: finest.query.keys.map((_, i) => column(i)),
    leaves: input.leaves.map(({ leaf, query }) => ({
      leaf,
      keys: keysOf(query),
      of: leaf === input.finest ? own : column(width + others.findIndex((one) => one.leaf === leaf)),
    })),
  };
}
