import { engineFailure } from "./failure.ts";
import { sqlName, sqlText } from "./quoting.ts";
import type { IngestSession } from "./session.ts";
import { requireColumns, type FileSource, type Source } from "./source.ts";

/** Read in place, as often as needed: only the listed columns are touched. */
export async function readParquet({ connection }: IngestSession, file: FileSource): Promise<Source> {
  const relation = `read_parquet(${sqlText(file.path)}, hive_partitioning = false)`;
  const types = await describe();
  requireColumns(file.columns, [...types.keys()]);
  return {
    relation,
    numbered:
      `(SELECT file_row_number + 1 AS sluice_row, * ` +
      `FROM read_parquet(${sqlText(file.path)}, hive_partitioning = false, file_row_number = true))`,
    columns: file.columns.map((spec) => ({ spec, expression: sqlName(spec.name), type: types.get(spec.name)! })),
  };

  async function describe(): Promise<Map<string, string>> {
    try {
      const reader = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${relation}`);
      return new Map(reader.getRows().map((row) => [String(row[0]), String(row[1])]));
    } catch (error) {
      throw engineFailure(error, "the file is not a readable Parquet file");
    }
  }
}
