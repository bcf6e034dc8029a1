import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { openArrowFiles } from "#engine/arrow/index.ts";

interface Teardown {
  teardown(action: () => void): void;
}

/** A DuckDB in memory that ends with the test. */
export async function openDuckDB(t: Teardown): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2", autoload_known_extensions: "false" });
  const connection = await instance.connect();
  t.teardown(() => {
    connection.closeSync();
    instance.closeSync();
  });
  return connection;
}

export function temporaryDirectory(t: Teardown): string {
  const directory = mkdtempSync(join(tmpdir(), "sluice-arrow-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export async function writeArrowFile(
  connection: DuckDBConnection,
  sql: string,
  { path, decimals, rowsPerBatch }: { path: string; decimals?: "wide"; rowsPerBatch?: number },
) {
  const result = await connection.stream(sql);
  const types = result.columnTypes();
  const columns = result.columnNames().map((name, index) => ({ name, index, type: types[index]! }));
  const file = { path, columns, ...(decimals ? { decimals } : {}) };
  using writer = openArrowFiles([file], rowsPerBatch === undefined ? {} : { rowsPerBatch });
  for await (const chunk of result) writer.append(chunk);
  return writer.finish()[0]!;
}

/** SQL of a column of each type over `i`, and how DuckDB writes the value as JSON would have it. */
export const TYPE_COLUMNS: Readonly<Record<string, { value: string; text?: string; cast?: string }>> = {
  boolean: { value: "i % 3 = 0" },
  tinyint: { value: "CAST(i % 256 - 128 AS TINYINT)" },
  smallint: { value: "CAST(i % 65536 - 32768 AS SMALLINT)" },
  integer: { value: "CAST(i * 7919 - 2147483648 AS INTEGER)" },
  bigint: { value: "CAST(i * 1000003 AS BIGINT) - 9223372036854775807" },
  utinyint: { value: "CAST(i % 256 AS UTINYINT)" },
  usmallint: { value: "CAST(i % 65536 AS USMALLINT)" },
  uinteger: { value: "CAST(4294967295 - i AS UINTEGER)" },
  ubigint: { value: "18446744073709551615 - CAST(i AS UBIGINT)" },
  hugeint: {
    value: "CAST(170141183460469231731687303715884105727 - i AS HUGEINT) * (CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END)",
  },
  uhugeint: { value: "340282366920938463463374607431768211455 - CAST(i AS UHUGEINT)" },
  decimal4: { value: "CAST((i % 1000 - 500) / 100.0 AS DECIMAL(4,2))" },
  decimal9: { value: "CAST((i - 5000) / 1000.0 AS DECIMAL(9,3))" },
  decimal18: { value: "CAST((i - 5000) * 123456789 AS DECIMAL(18,4))" },
  decimal38: { value: "CAST(i - 5000 AS DECIMAL(38,10)) * CAST(12345678901234567.1 AS DECIMAL(28,0))" },
  float: {
    value:
      "CAST(CASE i % 5 WHEN 0 THEN 'nan' WHEN 1 THEN '-inf' WHEN 2 THEN '0.1' ELSE CAST(i AS VARCHAR) END AS FLOAT)",
  },
  double: {
    value:
      "CAST(CASE i % 5 WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' WHEN 2 THEN '-0.1' ELSE CAST(i / 7.0 AS VARCHAR) END AS DOUBLE)",
  },
  varchar: {
    value:
      "CASE i % 6 WHEN 0 THEN '' WHEN 1 THEN 'twelve bytes' WHEN 2 THEN 'thirteen byte' WHEN 3 THEN repeat('温州市é🙂', CAST(i % 40 AS INTEGER)) ELSE 'v' || i END",
  },
  blob: {
    value: "encode(CASE i % 2 WHEN 0 THEN 'short' ELSE 'rather longer than twelve bytes ' || i END)",
    text: "to_base64(%)",
  },
  date: { value: "DATE '1900-01-01' + CAST(i * 13 AS INTEGER)" },
  time: { value: "TIME '00:00:00' + to_microseconds(i * 7654321 % 86400000000)", text: "CAST(% AS VARCHAR)" },
  timestamp_s: {
    value: "CAST(make_timestamp(i * 98765432100 - 400000000000) AS TIMESTAMP_S)",
    text: "strftime(CAST(% AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S')",
  },
  timestamp_ms: {
    value: "CAST(make_timestamp(i * 98765432100 - 400000000000 + i) AS TIMESTAMP_MS)",
    text: "replace(CAST(% AS VARCHAR), ' ', 'T')",
  },
  timestamp_us: {
    value: "make_timestamp(i * 98765432101 - 400000000000)",
    text: "replace(CAST(% AS VARCHAR), ' ', 'T')",
  },
  timestamp_ns: {
    value: "make_timestamp_ns(i * 98765432101234 - 400000000000)",
    text: "replace(CAST(% AS VARCHAR), ' ', 'T')",
  },
  timestamp_tz: {
    value: "epoch_ms(CAST(i * 987654 AS BIGINT))::TIMESTAMP AT TIME ZONE 'UTC'",
    text: "replace(CAST(% AT TIME ZONE 'UTC' AS VARCHAR), ' ', 'T') || 'Z'",
  },
  uuid: { value: "CAST(md5(CAST(i AS VARCHAR)) AS UUID)" },
  enumeration: {
    value: "CAST(CASE i % 3 WHEN 0 THEN 'ja' WHEN 1 THEN 'nein' ELSE '不' END AS ENUM('never', 'ja', 'nein', '不'))",
  },
  list: { value: "CASE i % 4 WHEN 0 THEN [] WHEN 1 THEN [i, NULL, i + 1] ELSE [i] END" },
  list_text: {
    value: "CASE i % 3 WHEN 0 THEN ['a', 'longer than twelve bytes ' || i, NULL] ELSE [CAST(i AS VARCHAR)] END",
  },
  structure: { value: "{'a': i, 'b': CASE WHEN i % 4 = 0 THEN NULL ELSE 'text of a struct ' || i END}" },
  nested: { value: "[{'d': DATE '2020-01-01' + CAST(i AS INTEGER), 'l': [CAST(i AS DECIMAL(9,2)), NULL]}, NULL]" },
  fixed_list: { value: "[CAST(i AS INTEGER), CAST(i + 1 AS INTEGER)]", cast: "INTEGER[2]" },
};

/** SQL over `rows` rows with a column of every type in `TYPE_COLUMNS`, NULL in about every fifth value of each. */
export function everyType(rows: number): string {
  const columns = Object.entries(TYPE_COLUMNS).map(([name, { value, cast }], n) => {
    const sparse = `CASE WHEN hash(i, ${n}) % 5 = 0 THEN NULL ELSE ${value} END`;
    return `${cast ? `CAST(${sparse} AS ${cast})` : sparse} AS ${name}`;
  });
  return `SELECT i AS row_number, ${columns.join(", ")} FROM range(${rows}) t(i) ORDER BY i`;
}
