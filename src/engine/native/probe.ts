import { DuckDBInstance, version } from "@duckdb/node-api";
import { ARROW_EXTENSION_PATH } from "./extension-path.ts";

/** Loads the extension into an empty instance; answers DuckDB's version, or throws what DuckDB says. */
export async function probeArrowExtension(): Promise<string> {
  const instance = await DuckDBInstance.create(":memory:", { allow_unsigned_extensions: "true" });
  try {
    const connection = await instance.connect();
    await connection.run(`load '${ARROW_EXTENSION_PATH.replaceAll("'", "''")}'`);
    connection.closeSync();
    return version();
  } finally {
    instance.closeSync();
  }
}
