import { readCsvHeader } from "./csv-header.ts";
import { engineFailure } from "./failure.ts";
import { sqlText } from "./quoting.ts";
import type { IngestSession } from "./session.ts";
import { requireColumns, type FileSource, type Source } from "./source.ts";
import { typeTextColumns } from "./text-table.ts";

/**
 * Read once as text into a table on disk; types are found over all rows of it afterwards. (DuckDB's own detection
 * takes `007` for a number and a column with one bad value for text without a word.)
 */
export async function readCsv(session: IngestSession, file: FileSource, delimiter: string): Promise<Source> {
  const header = await readCsvHeader(file.path, delimiter);
  requireColumns(file.columns, header);
  await loadCsv(session, { path: file.path, delimiter, header, columns: file.columns.map((column) => column.name) });
  return typeTextColumns(session, file.columns);
}

export interface CsvFile {
  path: string;
  delimiter: string;
  header: readonly string[];
  /** Names of the columns to keep; they become `c0`, `c1` … of the table `source`. */
  columns: readonly string[];
}

/** An empty field is NULL, `""` is the empty text. */
export async function loadCsv({ connection }: IngestSession, csv: CsvFile): Promise<void> {
  // columns by position, so that no name of the file can be taken for anything else
  const declared = csv.header.map((_, i) => `'h${i}': 'VARCHAR'`).join(", ");
  const kept = csv.columns.map((name, i) => `h${csv.header.indexOf(name)} AS c${i}`).join(", ");
  const options = [
    "auto_detect = false",
    "header = true",
    `delim = ${sqlText(csv.delimiter)}`,
    `quote = '"'`,
    `escape = '"'`,
    "nullstr = ''",
    "allow_quoted_nulls = false",
    "strict_mode = true",
    `compression = '${/\.gz$/i.test(csv.path) ? "gzip" : "none"}'`,
    `columns = {${declared}}`,
  ];
  const sql = `CREATE TABLE source AS SELECT ${kept} FROM read_csv(${sqlText(csv.path)}, ${options.join(", ")})`;
  try {
    await connection.run(sql);
  } catch (error) {
    throw engineFailure(error, "the CSV file cannot be read");
  }
}
