import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { ingestFailed } from "./failure.ts";
import { syncDirectory, writeDurably } from "./publish.ts";
import { sqlText } from "./quoting.ts";

const SEGMENT = /^segment-\d{8}\.parquet$/;
const DRAFT = "segment.partial";
const SECRET = "order.key";
const MOST_SUBJECTS = 2 ** 32;

/**
 * Gives each key of the table `sluice_subjects` (`key`) its ordinal: the table `sluice_ordinals` (`sluice_subject_key`, `ordinal`).
 * The registry of a deployment is immutable Parquet segments of `key` and `ordinal`, dense from 0 over all of them. A
 * segment is durable before this returns, so an ordinal is never given twice; an ingest that fails afterwards only
 * leaves keys that the next one finds. The caller holds the lock of the directory.
 */
export async function assignOrdinals(connection: DuckDBConnection, directory: string): Promise<void> {
  await rm(join(directory, DRAFT), { force: true });
  const segments = (await readdir(directory)).filter((name) => SEGMENT.test(name)).toSorted();
  const registry = registrySql(directory, segments);
  const next = await firstNumber(connection, `SELECT coalesce(max(ordinal) + 1, 0) FROM ${registry}`);
  await connection.run(
    `CREATE TABLE sluice_known AS SELECT key, ordinal FROM sluice_subjects LEFT JOIN ${registry} USING (key)`,
  );
  const fresh = await sortFresh(connection, await orderSecret(directory));
  if (next + fresh > MOST_SUBJECTS) throw ingestFailed("there are more subjects than a deployment can number");
  if (fresh > 0) await writeSegment(connection, { directory, number: segments.length + 1, next });
  await connection.run(
    `CREATE TABLE sluice_ordinals AS SELECT key AS sluice_subject_key, ordinal FROM sluice_known WHERE ordinal IS NOT NULL
     UNION ALL ${freshSql(next)}`,
  );
  for (const table of ["sluice_subjects", "sluice_known", "sluice_fresh"]) await connection.run(`DROP TABLE ${table}`);
}

/** Makes the directory of the registry, which only its owner may enter. */
export async function openRegistry(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
}

function registrySql(directory: string, segments: readonly string[]): string {
  if (segments.length === 0) return "(SELECT NULL::VARCHAR AS key, NULL::UINTEGER AS ordinal WHERE false)";
  return `read_parquet([${segments.map((name) => sqlText(join(directory, name))).join(", ")}])`;
}

/** In an order that tells nothing of the keys or of the source: by a hash with a key that stays in the directory. */
async function sortFresh(connection: DuckDBConnection, secret: string): Promise<number> {
  // the table keeps the order, so that its row numbers are the ordinals: sorting spills, a window function does not
  await connection.run(
    `CREATE TABLE sluice_fresh AS SELECT key FROM sluice_known WHERE ordinal IS NULL
     ORDER BY left(sha256(${sqlText(secret)} || key), 32), key`,
  );
  return await firstNumber(connection, "SELECT count(*) FROM sluice_fresh");
}

function freshSql(next: number): string {
  return `SELECT key, CAST(rowid + ${next} AS UINTEGER) AS ordinal FROM sluice_fresh`;
}

interface Segment {
  directory: string;
  number: number;
  /** The first ordinal. */
  next: number;
}

async function writeSegment(connection: DuckDBConnection, { directory, number, next }: Segment): Promise<void> {
  const draft = join(directory, DRAFT);
  await connection.run(`COPY (${freshSql(next)}) TO ${sqlText(draft)} (FORMAT parquet)`);
  const file = await open(draft, "r+");
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(directory, `segment-${String(number).padStart(8, "0")}.parquet`));
  await syncDirectory(directory);
}

async function orderSecret(directory: string): Promise<string> {
  const path = join(directory, SECRET);
  const found = await readFile(path, "utf8").catch((error: unknown) => {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  });
  if (found !== undefined && found.length === 64) return found;
  const secret = randomBytes(32).toString("hex");
  const draft = `${SECRET}.partial`;
  await rm(join(directory, draft), { force: true });
  await writeDurably(directory, draft, secret);
  await chmod(join(directory, draft), 0o600);
  await rename(join(directory, draft), path);
  await syncDirectory(directory);
  return secret;
}

async function firstNumber(connection: DuckDBConnection, sql: string): Promise<number> {
  return Number((await connection.runAndReadAll(sql)).getRows()[0]![0]);
}
