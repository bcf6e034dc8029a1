import type { DuckDBConnection } from "@duckdb/node-api";

export interface TpchTable {
  name: string;
  /** Key columns and how many keys of scale 0.1 they have: what a copy is shifted by. */
  keys: Record<string, number>;
  /** Text of few values: the ingest would write it with a dictionary. */
  dictionaries: string[];
}

export const TPCH_TABLES: readonly TpchTable[] = [
  { name: "region", keys: {}, dictionaries: [] },
  { name: "nation", keys: {}, dictionaries: [] },
  { name: "supplier", keys: { s_suppkey: 1000 }, dictionaries: [] },
  { name: "customer", keys: { c_custkey: 15_000 }, dictionaries: ["c_mktsegment"] },
  { name: "part", keys: { p_partkey: 20_000 }, dictionaries: ["p_mfgr", "p_brand", "p_type", "p_container"] },
  { name: "partsupp", keys: { ps_partkey: 20_000, ps_suppkey: 1000 }, dictionaries: [] },
  {
    name: "orders",
    keys: { o_orderkey: 600_000, o_custkey: 15_000 },
    dictionaries: ["o_orderstatus", "o_orderpriority"],
  },
  {
    name: "lineitem",
    keys: { l_orderkey: 600_000, l_partkey: 20_000, l_suppkey: 1000 },
    dictionaries: ["l_returnflag", "l_linestatus", "l_shipinstruct", "l_shipmode"],
  },
];

/** SQL of a relation's rows with the columns of few values as ENUM types, which it creates. */
export async function withDictionaries(
  connection: DuckDBConnection,
  relation: string,
  columns: readonly string[],
): Promise<string> {
  if (columns.length === 0) return relation;
  for (const column of columns) {
    await connection.run(`CREATE TYPE ${column} AS ENUM (SELECT DISTINCT ${column} FROM ${relation} ORDER BY 1)`);
  }
  return `(SELECT * REPLACE (${columns.map((column) => `${column}::${column} AS ${column}`).join(", ")}) FROM ${relation})`;
}
