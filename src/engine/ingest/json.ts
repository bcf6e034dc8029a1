import { engineFailure } from "./failure.ts";
import { sqlText } from "./quoting.ts";
import type { IngestSession } from "./session.ts";
import { requireColumns, type FileSource, type Source, type SourceColumn } from "./source.ts";
import { detectNumbers, tableSource } from "./text-table.ts";

type JsonFormat = "auto" | "newline_delimited";

interface JsonColumn {
  spec: FileSource["columns"][number];
  /** As DuckDB found it over all values. */
  found: string;
  /** As it is read. */
  read: string;
}

/**
 * Read once into a table on disk. Numbers that DuckDB would make floating point, and all that identifies, are read as
 * the text that stands in the file, so that no digit is lost; their types are found afterwards.
 */
export async function readJson(session: IngestSession, file: FileSource, format: JsonFormat): Promise<Source> {
  const types = await describe(session, file.path, format);
  requireColumns(file.columns, [...types.keys()]);
  const columns = file.columns.map((spec): JsonColumn => {
    const found = types.get(spec.name)!;
    const asText = ["DOUBLE", "HUGEINT", "UBIGINT", "JSON"].includes(found) || isIdentifying(spec.role);
    return { spec, found, read: asText ? "VARCHAR" : found };
  });
  await load(session, { path: file.path, format, columns });
  return tableSource(await typed(session, columns));
}

function isIdentifying(role: string): boolean {
  return role === "identifier" || role === "subject_key";
}

function optionsOf(format: JsonFormat): string {
  return `format = '${format}', records = true, sample_size = -1, convert_strings_to_integers = false`;
}

async function describe(session: IngestSession, path: string, format: JsonFormat): Promise<Map<string, string>> {
  try {
    const sql = `DESCRIBE SELECT * FROM read_json(${sqlText(path)}, ${optionsOf(format)})`;
    const reader = await session.connection.runAndReadAll(sql);
    return new Map(reader.getRows().map((row) => [String(row[0]), String(row[1])]));
  } catch (error) {
    throw engineFailure(error, "the JSON file cannot be read");
  }
}

interface JsonFile {
  path: string;
  format: JsonFormat;
  columns: readonly JsonColumn[];
}

async function load({ connection }: IngestSession, { path, format, columns }: JsonFile): Promise<void> {
  const declared = columns.map(({ spec, read }) => `${sqlText(spec.name)}: ${sqlText(read)}`).join(", ");
  const kept = columns.map(({ spec }, i) => `"${spec.name.replaceAll('"', '""')}" AS c${i}`).join(", ");
  const options = `format = '${format}', records = true, columns = {${declared}}`;
  try {
    await connection.run(`CREATE TABLE source AS SELECT ${kept} FROM read_json(${sqlText(path)}, ${options})`);
  } catch (error) {
    throw engineFailure(error, "the JSON file cannot be read");
  }
}

async function typed(session: IngestSession, columns: readonly JsonColumn[]): Promise<SourceColumn[]> {
  const numbers = columns
    .map((column, i) => ({ ...column, reference: `c${i}` }))
    .filter(({ spec, read, found }) => !isIdentifying(spec.role) && needsType(spec.role, read, found));
  const types = await detectNumbers(session.connection, numbers);
  const typeOf = new Map(numbers.map(({ reference }, i) => [reference, types[i]!]));
  return columns.map(({ spec, read }, i) => {
    const reference = `c${i}`;
    const type = typeOf.get(reference) ?? read;
    return { spec, type, expression: type === read ? reference : `CAST(nullif(${reference}, '') AS ${type})` };
  });
}

/** Numbers read as text; and a measure of any text, where the first that is no number is reported. */
function needsType(role: string, read: string, found: string): boolean {
  return read === "VARCHAR" && (found !== "VARCHAR" || role === "measure") && (found !== "JSON" || role === "measure");
}
