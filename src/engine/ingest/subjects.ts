import { AppError } from "#kernel/errors.ts";
import { ingestFailed } from "./failure.ts";
import type { IngestSession } from "./session.ts";
import type { Source } from "./source.ts";
import { withSubjectLock } from "./subject-lock.ts";
import { assignOrdinals, openRegistry } from "./subject-registry.ts";
import { subjectText } from "./subject-text.ts";

/** Position of the subject key among the columns, and what stands in its place. */
export interface NumberedSubjects {
  column: number;
  count: number;
  /** The source's relation with the ordinals beside it. */
  relation: string;
  /** SQL of the ordinal over `relation`, of type UINTEGER. */
  ordinal: string;
}

const ORDINAL = "sluice_subject.sluice_subject_ordinal";

/** Gives every subject of the source its ordinal; undefined when no subject key is declared. */
export async function numberSubjects(
  session: IngestSession,
  source: Source,
  declared: { subjectKey: string | undefined; directory: string | undefined },
): Promise<NumberedSubjects | undefined> {
  const { subjectKey, directory } = declared;
  if (subjectKey === undefined) return undefined;
  if (directory === undefined) {
    throw new AppError("configuration_invalid", "a product with a subject key needs the directory of the subjects");
  }
  const column = source.columns.findIndex(({ spec }) => spec.name === subjectKey);
  const { expression, type } = source.columns[column]!;
  const text = subjectText(expression, type, subjectKey);
  const { connection, signal } = session;
  await connection.run(`CREATE TABLE sluice_subjects AS SELECT DISTINCT ${text} AS key FROM ${source.relation}`);
  await openRegistry(directory);
  await withSubjectLock(directory, signal, () => assignOrdinals(connection, directory));
  await orderRows(session, source, text);
  const reader = await connection.runAndReadAll("SELECT count(*) FROM sluice_ordinals");
  return {
    column,
    count: Number(reader.getRows()[0]![0]),
    // a subquery has no column `rowid`, which a source may have
    relation: `(SELECT * FROM ${source.relation}) POSITIONAL JOIN (SELECT * FROM sluice_subject) AS sluice_subject`,
    ordinal: ORDINAL,
  };
}

/** One ordinal a row, in the order of the source: a join keeps no order, so they are sorted, and then lie beside it. */
async function orderRows({ connection }: IngestSession, source: Source, text: string): Promise<void> {
  await connection.run(
    `CREATE TABLE sluice_subject AS SELECT sluice_ordinals.ordinal AS sluice_subject_ordinal
     FROM ${source.numbered} AS sluice_source JOIN sluice_ordinals ON sluice_subject_key = ${text}
     ORDER BY sluice_row`,
  );
}

/** INVARIANT: no row without a subject, or evidence would not count it. */
export function requireOrdinals(subjects: NumberedSubjects | undefined, nullCounts: readonly number[]): void {
  if (subjects === undefined || nullCounts[subjects.column] === 0) return;
  throw ingestFailed("the source was changed while it was read");
}
