import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { ingestFailed } from "./failure.ts";
import { sqlText } from "./quoting.ts";
import type { IngestSession } from "./session.ts";
import { compactRegistry } from "./subject-compaction.ts";
import { requireDense } from "./subject-segment.ts";
import { addSegment, damaged, nextOrdinal, openRegistry, type SubjectRegistry } from "./subject-index.ts";
import { registryKey, sourceKey, type SubjectKey } from "./subject-text.ts";

/** One less than an ordinal can tell apart: the last stands for none. */
const MOST_SUBJECTS = 2 ** 32 - 1;
const ROUNDS = 6;

export interface Assignment {
  /** Of the registry; the caller holds its lock. */
  directory: string;
  kind: SubjectKey["kind"];
}

/**
 * Gives each key of the table `sluice_subjects` (`key`) its ordinal. Returns SQL of a relation of `key` and `ordinal`
 * that reads only what is this ingest's own. New keys are in the registry, durably, before this returns, so an ordinal
 * is never given twice; an ingest that fails afterwards only leaves keys that the next one finds.
 */
export async function assignOrdinals(session: IngestSession, { directory, kind }: Assignment): Promise<string> {
  const { connection, workDirectory } = session;
  const registry = await openRegistry(directory);
  const found = await lookUp(connection, registry, kind);
  const first = nextOrdinal(registry);
  const subjects = await firstNumber(connection, `SELECT count(*) FROM ${found.fresh}`);
  if (first + subjects > MOST_SUBJECTS) throw ingestFailed("there are more subjects than a deployment can number");
  if (subjects === 0) return found.known;
  const path = join(workDirectory, "fresh.parquet");
  await writeFresh(connection, { fresh: found.fresh, path, kind, first, subjects });
  await compactRegistry(session, await addSegment(registry, { path, first, subjects }));
  const fresh = `SELECT ${sourceKey(kind)} AS key, ordinal FROM read_parquet(${sqlText(path)})`;
  return `(FROM ${found.known} UNION ALL ${fresh})`;
}

interface Found {
  /** SQL of a relation of `key` and `ordinal`. */
  known: string;
  /** Likewise of `key`, always in the same order. */
  fresh: string;
}

async function lookUp(
  connection: DuckDBConnection,
  { directory, segments }: SubjectRegistry,
  kind: SubjectKey["kind"],
): Promise<Found> {
  if (segments.length === 0) {
    const known = "(SELECT key, CAST(NULL AS UINTEGER) AS ordinal FROM sluice_subjects WHERE false)";
    return { known, fresh: "sluice_subjects" };
  }
  const registry = `read_parquet([${segments.map(({ path }) => sqlText(join(directory, path))).join(", ")}])`;
  const { number, text } = registryKey(kind);
  const joins = [
    `LEFT JOIN (SELECT number, ordinal FROM ${registry} WHERE number IS NOT NULL) AS n USING (number)`,
    ...(kind === "text"
      ? [`LEFT JOIN (SELECT text, ordinal FROM ${registry} WHERE text IS NOT NULL) AS t USING (text)`]
      : []),
  ];
  const ordinal = kind === "text" ? "coalesce(n.ordinal, t.ordinal)" : "n.ordinal";
  try {
    await connection.run(
      `CREATE TEMP TABLE sluice_known AS SELECT key, ${ordinal} AS ordinal
         FROM (SELECT key, ${number} AS number, ${text} AS text FROM sluice_subjects) ${joins.join(" ")}`,
    );
  } catch (error) {
    // the digests are right, so what was written was not
    if (/parquet|Binder Error/i.test(String(error))) throw damaged(segments[0]!.path, "content");
    throw error;
  }
  await connection.run("DROP TABLE sluice_subjects");
  return {
    known: "(SELECT key, ordinal FROM sluice_known WHERE ordinal IS NOT NULL)",
    fresh: "(SELECT key FROM sluice_known WHERE ordinal IS NULL)",
  };
}

interface Fresh {
  fresh: string;
  path: string;
  kind: SubjectKey["kind"];
  first: number;
  subjects: number;
}

/**
 * In an order that tells nothing of the keys or of the source: the numbers of the keys are shuffled, not the keys,
 * which are longer.
 */
async function writeFresh(connection: DuckDBConnection, segment: Fresh): Promise<void> {
  const { fresh, path, kind, first, subjects } = segment;
  const { number, text } = registryKey(kind);
  await connection.run(
    `CREATE TEMP TABLE sluice_order AS SELECT CAST(range + ${first} AS UINTEGER) AS ordinal
       FROM range(${subjects}) ORDER BY ${shuffle("CAST(range AS UBIGINT)")}`,
  );
  await connection.run(
    `COPY (SELECT ${number} AS number, ${text} AS text, ordinal
       FROM (SELECT key FROM ${fresh}) POSITIONAL JOIN (SELECT ordinal FROM sluice_order))
     TO ${sqlText(path)} (FORMAT parquet)`,
  );
  await connection.run("DROP TABLE sluice_order");
  await requireDense(connection, { path, first, subjects });
}

/**
 * A cipher of 64 bits: DuckDB's hash of an integer is a fixed mixing permutation, and between its rounds stand keys
 * that are drawn here and kept nowhere.
 */
function shuffle(value: string): string {
  return Array.from({ length: ROUNDS }, () => randomBytes(8).readBigUInt64LE()).reduce(
    (mixed, key) => `hash(xor(${mixed}, ${key}::UBIGINT))`,
    value,
  );
}

async function firstNumber(connection: DuckDBConnection, sql: string): Promise<number> {
  return Number((await connection.runAndReadAll(sql)).getRows()[0]![0]);
}
