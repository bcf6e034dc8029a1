import { fileURLToPath } from "node:url";

/** Where the extension lies once it is built. DuckDB takes the name of its entry function from the file's name. */
export const ARROW_EXTENSION_PATH: string = fileURLToPath(
  new URL("../../../build/native/sluice_arrow.duckdb_extension", import.meta.url),
);
