import type { Client } from "pg";
import { ingestFailed } from "./failure.ts";
import type { PostgresColumn } from "./postgres-types.ts";
import { sqlName } from "./quoting.ts";

export interface PostgresTable {
  /** Quoted, with its schema. */
  name: string;
  columns: PostgresColumn[];
}

/** Finds a table or view, `name` on the search path or `schema.name`, as it is written (no folding to lower case). */
export async function findTable(client: Client, name: string): Promise<PostgresTable> {
  const dot = name.indexOf(".");
  const [schema, table] = dot < 0 ? [null, name] : [name.slice(0, dot), name.slice(dot + 1)];
  const found = await client.query<{ oid: string; schema: string; name: string }>(
    `SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND CASE WHEN $1::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1 END`,
    [schema, table],
  );
  const row = found.rows[0];
  if (!row) throw ingestFailed("the database has no such table, or the user may not see it");
  return { name: `${sqlName(row.schema)}.${sqlName(row.name)}`, columns: await findColumns(client, row.oid) };
}

interface AttributeRow {
  name: string;
  base: string;
  category: string;
  item: string | null;
  typmod: number;
}

/** Types behind domains; `typmod` is that of the innermost level that has one. */
async function findColumns(client: Client, table: string): Promise<PostgresColumn[]> {
  const { rows } = await client.query<AttributeRow>(
    `WITH RECURSIVE resolved AS (
       SELECT a.attnum, a.attname, a.atttypid AS type, a.atttypmod AS typmod
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
       UNION ALL
       SELECT r.attnum, r.attname, t.typbasetype, CASE WHEN r.typmod = -1 THEN t.typtypmod ELSE r.typmod END
         FROM resolved r JOIN pg_catalog.pg_type t ON t.oid = r.type AND t.typtype = 'd'
     )
     SELECT r.attname AS name, t.typname AS base, t.typcategory AS category, i.typname AS item, r.typmod
       FROM resolved r JOIN pg_catalog.pg_type t ON t.oid = r.type AND t.typtype <> 'd'
       LEFT JOIN pg_catalog.pg_type i ON i.oid = t.typelem AND t.typcategory = 'A'
      ORDER BY r.attnum`,
    [table],
  );
  return rows.map(({ name, base, item, typmod }) => ({ name, base, item: item ?? undefined, ...numericSize(typmod) }));
}

/** NUMERIC(p, s) keeps ((p << 16) | (s & 0x7ff)) + 4 in its modifier (PostgreSQL, `numeric.c`). */
function numericSize(typmod: number): { precision: number | undefined; scale: number | undefined } {
  if (typmod < 4) return { precision: undefined, scale: undefined };
  const packed = typmod - 4;
  const scale = packed & 0x7ff;
  return { precision: (packed >> 16) & 0xffff, scale: scale >= 0x400 ? scale - 0x800 : scale };
}

/**
 * Sizes for the NUMERIC columns that declare none: as many digits as their values have. Left open (and so text) when
 * they have more than DECIMAL carries, or are not numbers.
 */
export async function measureNumerics(client: Client, table: string, columns: PostgresColumn[]): Promise<void> {
  const open = columns.filter(({ base, precision }) => base === "numeric" && precision === undefined);
  if (open.length === 0) return;
  const items = open.flatMap(({ name }) => {
    const column = sqlName(name);
    return [
      `coalesce(max(length(trunc(abs(${column}))::text)), 1)`,
      `coalesce(max(scale(${column})), 0)`,
      `bool_or(${column}::text !~ '[0-9]')`,
    ];
  });
  const selected = items.map((item, i) => `${item} AS s${i}`).join(", ");
  const { rows } = await client.query<Record<string, number | boolean | null>>(`SELECT ${selected} FROM ${table}`);
  open.forEach((column, i) => {
    const scale = Number(rows[0]![`s${i * 3 + 1}`]);
    const precision = Number(rows[0]![`s${i * 3}`]) + scale;
    if (precision > 38 || rows[0]![`s${i * 3 + 2}`] === true) return;
    column.precision = precision;
    column.scale = scale;
  });
}
