import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  FLOAT,
  HUGEINT,
  INTEGER,
  SMALLINT,
  TIME,
  TIMESTAMP,
  TIMESTAMP_MS,
  TIMESTAMP_NS,
  TIMESTAMP_S,
  TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UHUGEINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  UUID,
  VARCHAR,
  type DuckDBType,
} from "@duckdb/node-api";
import { InvalidTable } from "./invalid-table.ts";

const NAMED: Readonly<Record<string, DuckDBType>> = {
  BIGINT,
  BLOB,
  BOOL: BOOLEAN,
  BOOLEAN,
  DATE,
  DOUBLE,
  FLOAT,
  HUGEINT,
  INT: INTEGER,
  INTEGER,
  REAL: FLOAT,
  SMALLINT,
  STRING: VARCHAR,
  TEXT: VARCHAR,
  TIME,
  TIMESTAMP,
  TIMESTAMP_MS,
  TIMESTAMP_NS,
  TIMESTAMP_S,
  TIMESTAMPTZ,
  "TIMESTAMP WITH TIME ZONE": TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UHUGEINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  UUID,
  VARCHAR,
};

/** A type of its own becomes text: what a list, struct or interval looks like in JSON. */
export function parseType(column: string, name: string): DuckDBType {
  const upper = name.trim().toUpperCase();
  if (Object.hasOwn(NAMED, upper)) return NAMED[upper]!;
  const decimal = /^(?:DECIMAL|NUMERIC)\s*\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\)$/.exec(upper);
  if (decimal) return decimalType(column, Number(decimal[1]), Number(decimal[2] ?? 0));
  if (/\]$|^(STRUCT|MAP|LIST|ENUM)\b|^(INTERVAL|TIME_NS|JSON|"NULL")$/.test(upper)) return VARCHAR;
  throw new InvalidTable("the declared type of a column is not one that a table can have", column);
}

function decimalType(column: string, width: number, scale: number): DuckDBType {
  if (width < 1 || width > 38 || scale > width) {
    throw new InvalidTable("a DECIMAL has 1 to 38 digits, and no more after the point than in all", column);
  }
  return DECIMAL(width, scale);
}
