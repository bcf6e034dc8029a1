import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Client } from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { ProductColumn } from "#contract/product.ts";
import type { Digest } from "#kernel/digest.ts";
import { isAppError } from "#kernel/errors.ts";
import { loadCsv } from "./csv.ts";
import { ingestFailed } from "./failure.ts";
import { findTable, measureNumerics, type PostgresTable } from "./postgres-table.ts";
import { mapColumn, type Mapping } from "./postgres-types.ts";
import { sqlName } from "./quoting.ts";
import type { IngestSession } from "./session.ts";
import { requireColumns, type OpenedSource } from "./source.ts";
import { tableSource } from "./text-table.ts";

export interface PostgresSource {
  url: string;
  /** `table` or `schema.table`. */
  table: string;
  columns: readonly ProductColumn[];
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Fixed texts for values, whatever the server's or the role's defaults are. */
const SETTINGS = [
  "SET datestyle = 'ISO, YMD'",
  "SET timezone = 'UTC'",
  "SET intervalstyle = 'postgres'",
  "SET bytea_output = 'hex'",
  "SET extra_float_digits = 3",
  "SET client_encoding = 'UTF8'",
];

/**
 * Copies the listed columns of one snapshot of a table through a CSV file in the work directory. Every value that is
 * not NULL is quoted, so that NULL and the empty text stay apart.
 */
export async function readPostgres(session: IngestSession, source: PostgresSource): Promise<OpenedSource> {
  const client = await connect(source.url);
  const path = join(session.workDirectory, "postgres.csv");
  try {
    await client.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    for (const setting of SETTINGS) await client.query(setting);
    const table = await findTable(client, source.table);
    requireColumns(
      source.columns,
      table.columns.map((column) => column.name),
    );
    const mappings = await mapColumns(client, table, source.columns);
    const digest = await copyOut(client, { sql: copySql(table, mappings), path, signal: session.signal });
    await client.query("COMMIT");
    const columns = source.columns.map((_, i) => `c${i}`);
    await loadCsv(session, { path, delimiter: ",", header: columns, columns });
    const typed = source.columns.map((spec, i) => {
      const { cast, type } = mappings[i]!;
      return { spec, type, expression: cast(`c${i}`) };
    });
    return { ...tableSource(typed), digest, checkUnchanged: async () => undefined };
  } catch (error) {
    throw safeFailure(error);
  } finally {
    await rm(path, { force: true });
    await client.end().catch(() => undefined);
  }
}

async function connect(url: string): Promise<Client> {
  try {
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: "sluice-ingest",
    });
    // a lost connection also fails the query under way, which reports it
    client.on("error", () => undefined);
    await client.connect();
    return client;
  } catch {
    throw ingestFailed("the source database cannot be reached with this address and user");
  }
}

async function mapColumns(client: Client, table: PostgresTable, columns: readonly ProductColumn[]): Promise<Mapping[]> {
  const listed = columns.map(({ name }) => table.columns.find((column) => column.name === name)!);
  await measureNumerics(client, table.name, listed);
  return listed.map((column) => mapColumn(column, sqlName(column.name)));
}

function copySql(table: PostgresTable, mappings: readonly Mapping[]): string {
  const columns = mappings.map(({ select }, i) => `${select} AS c${i}`).join(", ");
  return `COPY (SELECT ${columns} FROM ${table.name}) TO STDOUT (FORMAT csv, HEADER true, NULL '', FORCE_QUOTE *)`;
}

interface CopyOut {
  sql: string;
  path: string;
  signal: AbortSignal | undefined;
}

async function copyOut(client: Client, { sql, path, signal }: CopyOut): Promise<Digest> {
  const hash = createHash("sha256");
  const digesting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
  await pipeline([client.query(copyTo(sql)), digesting, file], signal ? { signal } : {});
  return `sha256:${hash.digest("hex")}`;
}

/** PostgreSQL's messages can quote values: only what the code says is passed on. */
function safeFailure(error: unknown): Error {
  if (isAppError(error)) return error;
  const code = (error as { code?: unknown }).code;
  if (code === "42501") return ingestFailed("the database user may not read this table");
  if (code === "ENOSPC") return ingestFailed("there is no space left for the ingest");
  if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return ingestFailed("the database refused the query");
  return ingestFailed("the connection to the source database failed");
}
