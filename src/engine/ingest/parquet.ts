import { engineFailure, ingestFailed } from "./failure.ts";
import { sqlName, sqlText } from "./quoting.ts";
import type { IngestSession } from "./session.ts";
import { requireColumns, type FileSource, type Source } from "./source.ts";

/** DuckDB's own column beside those of the file: a file that has it cannot be read with row numbers. */
const ROW_NUMBER = "file_row_number";

/**
 * Read in place, as often as needed: only the listed columns are touched. They become `c0`, `c1` …, so that no name of
 * the file can be taken for one of ours.
 */
export async function readParquet({ connection }: IngestSession, file: FileSource): Promise<Source> {
  const options = `${sqlText(file.path)}, hive_partitioning = false`;
  const types = await describe();
  requireColumns(file.columns, [...types.keys()]);
  const reserved = [...types.keys()].find((name) => name.toLowerCase() === ROW_NUMBER);
  if (reserved) throw ingestFailed("the source has a column whose name is reserved", { column: reserved });
  const kept = file.columns.map(({ name }, i) => `${sqlName(name)} AS c${i}`).join(", ");
  return {
    relation: `(SELECT ${kept} FROM read_parquet(${options}))`,
    numbered: `(SELECT ${ROW_NUMBER} + 1 AS sluice_row, ${kept} FROM read_parquet(${options}, ${ROW_NUMBER} = true))`,
    columns: file.columns.map((spec, i) => ({ spec, expression: `c${i}`, type: types.get(spec.name)! })),
  };

  async function describe(): Promise<Map<string, string>> {
    try {
      const reader = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${options})`);
      return new Map(reader.getRows().map((row) => [String(row[0]), String(row[1])]));
    } catch (error) {
      throw engineFailure(error, "the file is not a readable Parquet file");
    }
  }
}
