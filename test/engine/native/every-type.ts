/**
 * SQL of a relation with a column of every type that a product can hold, random values, NULLs and the awkward ends of
 * each range. `seed` decides the values.
 */
export function everyType({ rows, seed }: { rows: number; seed: number }): string {
  const columns = Object.entries(COLUMNS).map(([name, sql]) => {
    // DuckDB has no CASE over arrays, so a list becomes one afterwards
    const [list, array] = sql.split(" AS ARRAY ");
    return array ? `CAST(${withNulls(name, list!)} AS ${array}) AS "${name}"` : `${withNulls(name, sql)} AS "${name}"`;
  });
  return `(SELECT ${columns.join(", ")} FROM (SELECT i, hash(i + ${seed}) AS h, hash(i * 31 + ${seed}) AS g
    FROM range(${rows}) t(i)))`;
}

/** A tenth of the rows is NULL, other rows for each column; one stretch is free of NULLs, one has nothing else. */
function withNulls(name: string, sql: string): string {
  if (name === "no_nulls" || name === "i") return sql;
  const own = Buffer.from(name).reduce((sum, byte) => sum + byte, 0);
  return `CASE WHEN i BETWEEN 4096 AND 8191 THEN ${sql} WHEN i BETWEEN 10240 AND 14335 THEN NULL
    WHEN hash(i * 7 + ${own}) % 10 = 0 THEN NULL ELSE ${sql} END`;
}

const INTEGER_ENDS = (low: string, high: string, type: string, modulus: string) =>
  `CASE h % 50 WHEN 0 THEN (${low})::${type} WHEN 1 THEN (${high})::${type} ELSE (g % ${modulus})::${type} END`;

const TEXT = `CASE h % 12 WHEN 0 THEN '' WHEN 1 THEN repeat('数闸', (g % 9)::INTEGER) WHEN 2 THEN 'twelve bytes'
  WHEN 3 THEN 'thirteen byte' WHEN 4 THEN '🜁é' || (g % 97)::VARCHAR WHEN 5 THEN repeat('x', (g % 300)::INTEGER)
  WHEN 6 THEN chr(0) || 'nul' ELSE 'value ' || (g % 1000)::VARCHAR END`;

const COLUMNS: Record<string, string> = {
  i: "i::BIGINT",
  no_nulls: "(g % 1000000)::INTEGER",
  boolean: "h % 3 = 0",
  tinyint: INTEGER_ENDS("-128", "127", "TINYINT", "100"),
  smallint: INTEGER_ENDS("-32768", "32767", "SMALLINT", "30000"),
  integer: INTEGER_ENDS("-2147483648", "2147483647", "INTEGER", "2000000000"),
  bigint: INTEGER_ENDS("-9223372036854775808", "9223372036854775807", "BIGINT", "9000000000000000000"),
  hugeint: INTEGER_ENDS(
    "(-170141183460469231731687303715884105728)",
    "170141183460469231731687303715884105727",
    "HUGEINT",
    "9000000000000000000",
  ),
  utinyint: INTEGER_ENDS("0", "255", "UTINYINT", "250"),
  usmallint: INTEGER_ENDS("0", "65535", "USMALLINT", "60000"),
  uinteger: INTEGER_ENDS("0", "4294967295", "UINTEGER", "4000000000"),
  ubigint: INTEGER_ENDS("0", "18446744073709551615", "UBIGINT", "9000000000000000000"),
  uhugeint: INTEGER_ENDS("0", "340282366920938463463374607431768211455", "UHUGEINT", "9000000000000000000"),
  decimal4: "CAST((g % 19999)::INTEGER - 9999 AS DECIMAL(4,0))",
  decimal4_2: "CAST(((g % 19999)::INTEGER - 9999) / 100.0 AS DECIMAL(4,2))",
  decimal9: "CAST(((g % 1999999999)::BIGINT - 999999999) / 1000.0 AS DECIMAL(9,3))",
  decimal18: "CAST((g % 999999999999)::BIGINT AS DECIMAL(18,4)) - 500000000",
  decimal38: "CAST((g % 9000000000000000000)::HUGEINT * 1000000000 - 77 AS DECIMAL(38,6))",
  float:
    "CASE h % 20 WHEN 0 THEN 'nan'::FLOAT WHEN 1 THEN 'inf'::FLOAT WHEN 2 THEN '-inf'::FLOAT ELSE (g % 100000)::FLOAT / 7 END",
  double:
    "CASE h % 20 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE WHEN 2 THEN '-inf'::DOUBLE WHEN 3 THEN -0.0 ELSE g::DOUBLE / 7 END",
  varchar: TEXT,
  coded:
    "(['north','south','a much longer label than twelve bytes','','数据'])[1 + (h % 5)::INTEGER]::ENUM('north','south','a much longer label than twelve bytes','','数据','unused')",
  blob: "CASE h % 4 WHEN 0 THEN ''::BLOB ELSE encode(g::VARCHAR || 'é' || h::VARCHAR) END",
  date: "CASE h % 30 WHEN 0 THEN 'infinity'::DATE WHEN 1 THEN '-infinity'::DATE ELSE DATE '1900-01-01' + (g % 80000)::INTEGER END",
  time: "TIME '00:00:00' + to_microseconds((g % 86400000000)::BIGINT)",
  timestamp:
    "CASE h % 30 WHEN 0 THEN 'infinity'::TIMESTAMP ELSE make_timestamp((g % 4000000000000000)::BIGINT - 2000000000000000) END",
  timestamp_s: "make_timestamp((g % 4000000000)::BIGINT * 1000000)::TIMESTAMP_S",
  timestamp_ms: "make_timestamp((g % 4000000000000)::BIGINT * 1000)::TIMESTAMP_MS",
  timestamp_ns: "make_timestamp_ns((g % 4000000000000000000)::BIGINT)",
  timestamp_tz: "make_timestamp((g % 4000000000000000)::BIGINT)::TIMESTAMPTZ",
  interval:
    "to_months((g % 500)::INTEGER - 250) + to_days((h % 90)::INTEGER) + to_microseconds((g % 1000000000)::BIGINT)",
  uuid: "(md5(g::VARCHAR))::UUID",
  list: "CASE h % 5 WHEN 0 THEN [] WHEN 1 THEN [NULL, 1] ELSE [(g % 9)::INTEGER, NULL, (h % 100)::INTEGER] END::INTEGER[]",
  texts: `CASE h % 4 WHEN 0 THEN [] ELSE [${TEXT}, NULL, 'second of the list'] END::VARCHAR[]`,
  lists: "CASE h % 3 WHEN 0 THEN [[1, NULL], [], NULL] ELSE [[(g % 5)::INTEGER]] END::INTEGER[][]",
  struct:
    "{'a': CASE WHEN h % 7 = 0 THEN NULL ELSE (g % 100)::SMALLINT END, 'b c': 'text ' || (h % 1000)::VARCHAR, 'd': {'e': h % 2 = 0}}",
  structs: "[{'k': (g % 5)::UTINYINT, 'v': CASE WHEN h % 3 = 0 THEN NULL ELSE 'struct in a list' END}, NULL]",
  array: "[(g % 50)::INTEGER, NULL, (h % 7)::INTEGER] AS ARRAY INTEGER[3]",
  struct_arrays: "[{'x': (g % 50)::INTEGER}, {'x': NULL}] AS ARRAY STRUCT(x INTEGER)[2]",
  map: "MAP {'one': (g % 10)::INTEGER, 'two': NULL}",
};
