import type { DuckDBConnection } from "@duckdb/node-api";
import { sqlText } from "./quoting.ts";

/** INVARIANT: a segment has each of its ordinals once, each with one key. */
export async function requireDense(
  connection: DuckDBConnection,
  { path, first, subjects }: { path: string; first: number; subjects: number },
): Promise<void> {
  const reader = await connection.runAndReadAll(
    `SELECT count(*), count(number) + count(text), count(ordinal), min(ordinal), max(ordinal), sum(ordinal)::HUGEINT
       FROM read_parquet(${sqlText(path)})`,
  );
  const found = reader.getRows()[0]!.map((value) => BigInt(String(value)));
  const [from, count] = [BigInt(first), BigInt(subjects)];
  const sum = count * from + (count * (count - 1n)) / 2n;
  const expected = [count, count, count, from, from + count - 1n, sum];
  if (found.some((value, i) => value !== expected[i])) throw new Error("a segment of subjects is not dense");
}
