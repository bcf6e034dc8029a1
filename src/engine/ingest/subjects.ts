import duckdb from "@duckdb/node-bindings";
import type { DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";
import { AppError } from "#kernel/errors.ts";
import { ingestFailed } from "./failure.ts";
import { OrdinalRows } from "./ordinal-rows.ts";
import type { IngestSession } from "./session.ts";
import type { Source } from "./source.ts";
import { makeRegistryDirectory } from "./subject-index.ts";
import { withSubjectLock } from "./subject-lock.ts";
import { assignOrdinals } from "./subject-registry.ts";
import { subjectKey, type SubjectKey } from "./subject-text.ts";

/** What stands in the place of the subject key. */
export interface NumberedSubjects extends Disposable {
  /** Position of the subject key among the columns. */
  column: number;
  /** Distinct subjects. */
  count: number;
  rows: OrdinalRows;
}

export interface DeclaredSubjects {
  subjectKey: string | undefined;
  /** Of the registry. */
  directory: string | undefined;
  /** Of the source. */
  rowCount: number;
  rowsPerWindow?: number | undefined;
}

/**
 * Gives every subject of the source its ordinal; undefined when no subject key is declared. The keys are looked up
 * once each, then one join gives each row its ordinal, in whatever order it finds them.
 */
export async function numberSubjects(
  session: IngestSession,
  source: Source,
  declared: DeclaredSubjects,
): Promise<NumberedSubjects | undefined> {
  const { subjectKey: name, directory } = declared;
  if (name === undefined) return undefined;
  if (directory === undefined) {
    throw new AppError("configuration_invalid", "a product with a subject key needs the directory of the subjects");
  }
  const column = source.columns.findIndex(({ spec }) => spec.name === name);
  const { expression, type } = source.columns[column]!;
  const key = subjectKey(expression, type, name);
  const count = await collectKeys(session.connection, source, { key, name });
  await makeRegistryDirectory(directory);
  const ordinals = await withSubjectLock(directory, session.signal, () =>
    assignOrdinals(session, { directory, kind: key.kind }),
  );
  const rows = new OrdinalRows({
    directory: session.workDirectory,
    rowCount: declared.rowCount,
    ...(declared.rowsPerWindow === undefined ? {} : { rowsPerWindow: declared.rowsPerWindow }),
  });
  try {
    await placeRows(session, { rows, source, key, ordinals });
  } catch (error) {
    rows[Symbol.dispose]();
    throw error;
  }
  await dropTables(session.connection);
  return { column, count, rows, [Symbol.dispose]: () => rows[Symbol.dispose]() };
}

/** The table `sluice_subjects` of the distinct keys. */
async function collectKeys(
  connection: DuckDBConnection,
  source: Source,
  { key, name }: { key: SubjectKey; name: string },
): Promise<number> {
  await connection.run(
    `CREATE TEMP TABLE sluice_subjects AS SELECT DISTINCT ${key.sql} AS key FROM ${source.relation}`,
  );
  const reader = await connection.runAndReadAll("SELECT count(*), count(key) FROM sluice_subjects");
  const [all, present] = reader.getRows()[0]!.map(Number);
  if (all === present) return present!;
  const { expression } = source.columns.find(({ spec }) => spec.name === name)!;
  const place = await connection.runAndReadAll(
    `SELECT min(sluice_row) FROM ${source.numbered} WHERE ${expression} IS NULL`,
  );
  throw ingestFailed("a row has no subject", { row: Number(place.getRows()[0]![0]), column: name });
}

interface Placement {
  rows: OrdinalRows;
  source: Source;
  key: SubjectKey;
  /** SQL of a relation of `key` and `ordinal`. */
  ordinals: string;
}

async function placeRows({ connection, signal }: IngestSession, placement: Placement): Promise<void> {
  const { rows, source, key, ordinals } = placement;
  const result = await connection.stream(
    `SELECT CAST(sluice_row AS DOUBLE), ordinal
       FROM (SELECT sluice_row, ${key.sql} AS key FROM ${source.numbered}) JOIN ${ordinals} USING (key)`,
  );
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return;
    signal?.throwIfAborted();
    rows.put(new Float64Array(bytesOf(chunk, 0, 8)), new Uint32Array(bytesOf(chunk, 1, 4)));
  }
}

/** What is to be written next needs their memory. */
async function dropTables(connection: DuckDBConnection): Promise<void> {
  for (const table of ["sluice_subjects", "sluice_known"]) await connection.run(`DROP TABLE IF EXISTS ${table}`);
}

/** Of a column without NULL, copied. */
function bytesOf(chunk: DuckDBDataChunk, column: number, width: number): ArrayBuffer {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column);
  return new Uint8Array(duckdb.vector_get_data(vector, chunk.rowCount * width)).buffer;
}
