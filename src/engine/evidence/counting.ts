import type { DuckDBConnection } from "@duckdb/node-api";
import { columnsOf, quoteName, type Expression, type SafeQuery } from "../gate/index.ts";
import { isMagnitude, type Counting } from "./cells-sql.ts";
import { guarded } from "./names.ts";

/** What is known of a table of a version, which never changes: asked once for each table and connection. */
interface Facts {
  rows: number;
  /** Every row is another subject's: the key has no duplicate and no gap. */
  unique: boolean;
  /** The key is an ordinal from 0, as ingest writes it. */
  ordinal: boolean;
}
const known = new WeakMap<DuckDBConnection, Map<string, Promise<Facts>>>();

/** Below this many rows bounds cost as much as counting. */
const FEW_ROWS = 20_000;
/** Sampled rows per subject that a rule asks for: some have the same contribution, some the same place in a bitmap. */
const SAMPLED_ROWS = 2.4;

/** How the subjects of a query are counted: cheaply where that is sound, exactly where it must be exact. */
export async function countingOf(connection: DuckDBConnection, query: SafeQuery, enough: number): Promise<Counting> {
  const tables = query.tables.filter((table) => table.subjectKey !== undefined);
  const facts = await Promise.all(tables.map((table) => factsOf(connection, table.product, table.subjectKey!)));
  // Deviations are from the mean of the cell, which is known only when all subjects are.
  if (query.aggregates.some((one) => one.kind === "spread")) return { kind: "exact" };
  if (query.from.kind === "table" && facts[0]?.unique) return { kind: "single" };
  const rows = Math.max(0, ...facts.map((one) => one.rows));
  // Where the released value itself is a number of subjects, all are counted anyway.
  const isExact = query.aggregates.some((one) => one.kind === "subjects") || !facts.every((one) => one.ordinal);
  if (isExact || rows < FEW_ROWS) return { kind: "exact" };
  if (!query.aggregates.some((_, i) => isMagnitude(query, i))) return { kind: "bounded", sample: 1 };
  const perCell = rows / (await roughCells(connection, query));
  const sample = 2 ** Math.floor(Math.log2(Math.max(perCell, 1) / (SAMPLED_ROWS * (enough + 1))));
  return { kind: "bounded", sample: Math.min(Math.max(sample, 4), 4096) };
}

/** About how many cells there are: a wrong guess costs time only. */
async function roughCells(connection: DuckDBConnection, query: SafeQuery): Promise<number> {
  const values = await Promise.all(query.keys.map((key) => roughValues(connection, query, key.expression)));
  return values.reduce((product, one) => product * one, 1);
}

const UNKNOWN_VALUES = 32;
const counted = new WeakMap<DuckDBConnection, Map<string, Promise<number>>>();

function roughValues(connection: DuckDBConnection, query: SafeQuery, key: Expression): Promise<number> {
  const tables = [...new Set(columnsOf(key).map((column) => column.table))];
  const [table] = tables;
  if (table === undefined || tables.length > 1 || query.tables[table]!.columns) return Promise.resolve(UNKNOWN_VALUES);
  const sql = `SELECT approx_count_distinct(${guarded(key)}) FROM ${quoteName(query.tables[table]!.product)} AS t${table}`;
  const answers = counted.get(connection) ?? new Map<string, Promise<number>>();
  counted.set(connection, answers);
  const answer = answers.get(sql) ?? firstNumber(connection, sql);
  answers.set(sql, answer);
  return answer;
}

async function firstNumber(connection: DuckDBConnection, sql: string): Promise<number> {
  return Math.max(1, Number((await connection.runAndReadAll(sql)).getRows()[0]?.[0] ?? 1));
}

function factsOf(connection: DuckDBConnection, product: string, key: string): Promise<Facts> {
  const answers = known.get(connection) ?? new Map<string, Promise<Facts>>();
  known.set(connection, answers);
  const answer = answers.get(product) ?? readFacts(connection, product, key);
  answers.set(product, answer);
  return answer;
}

/** Distinct keys are counted only where an estimate does not rule out that there are as many as rows. */
async function readFacts(connection: DuckDBConnection, product: string, key: string): Promise<Facts> {
  const [table, column] = [quoteName(product), quoteName(key)];
  const first = async (sql: string): Promise<unknown[]> => (await connection.runAndReadAll(sql)).getRows()[0] ?? [];
  const [rows, roughly, type] = await first(
    `SELECT count(*), approx_count_distinct(${column}), any_value(typeof(${column})) FROM ${table}`,
  );
  const facts = { rows: Number(rows), ordinal: /^U(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(String(type)) };
  if (Number(roughly) < facts.rows * 0.7) return { ...facts, unique: false };
  const [distinct] = await first(`SELECT count(DISTINCT ${column}) FROM ${table}`);
  return { ...facts, unique: Number(distinct) === facts.rows };
}
