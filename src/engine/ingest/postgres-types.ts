/** How a column of PostgreSQL is asked for and what becomes of its text in DuckDB. */
export interface PostgresColumn {
  name: string;
  /** `pg_type.typname` of the type, behind domains. */
  base: string;
  /** Set for an array: `typname` of its items. */
  item: string | undefined;
  /** Digits and digits after the point of a NUMERIC that declares them. */
  precision: number | undefined;
  scale: number | undefined;
}

export interface Mapping {
  /** SQL for PostgreSQL. */
  select: string;
  /** SQL for DuckDB over the text. */
  cast(reference: string): string;
  type: string;
}

const SIMPLE: Readonly<Record<string, string>> = {
  bool: "BOOLEAN",
  int2: "SMALLINT",
  int4: "INTEGER",
  int8: "BIGINT",
  oid: "UINTEGER",
  float4: "FLOAT",
  float8: "DOUBLE",
  date: "DATE",
  time: "TIME",
  timestamp: "TIMESTAMP",
  timestamptz: "TIMESTAMP WITH TIME ZONE",
  uuid: "UUID",
  interval: "INTERVAL",
};

/** Every type without an equal of its own becomes VARCHAR with PostgreSQL's text of the value. */
export function mapColumn(column: PostgresColumn, quotedName: string): Mapping {
  const { base, item } = column;
  if (item !== undefined) return mapArray(scalarType(item, column), quotedName);
  if (base === "bytea") {
    // hexadecimal output, `\x…`
    return { select: quotedName, type: "BLOB", cast: (reference) => `unhex(substr(${reference}, 3))` };
  }
  const type = scalarType(base, column);
  return { select: quotedName, type, cast: (reference) => castOf(reference, type) };
}

/** PostgreSQL's own text of each item, in a JSON list: `{a,NULL}` has too many forms to be read again. */
function mapArray(item: string, quotedName: string): Mapping {
  const type = `${item}[]`;
  const cast = (reference: string): string => `CAST(from_json(${reference}, '["VARCHAR"]') AS ${type})`;
  return { select: `to_json(${quotedName}::text[])`, type, cast };
}

function scalarType(base: string, { precision, scale }: PostgresColumn): string {
  if (base === "numeric" && precision !== undefined && scale !== undefined && precision <= 38 && scale <= precision) {
    return `DECIMAL(${precision},${Math.max(scale, 0)})`;
  }
  return SIMPLE[base] ?? "VARCHAR";
}

function castOf(reference: string, type: string): string {
  return type === "VARCHAR" ? reference : `CAST(${reference} AS ${type})`;
}
