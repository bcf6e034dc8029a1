import { open, stat } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import type { ProductColumn, ProductSpec } from "#contract/product.ts";
import { AppError } from "#kernel/errors.ts";
import { sha256OfFile, type Digest } from "#kernel/digest.ts";
import { readCsv } from "./csv.ts";
import { ingestFailed } from "./failure.ts";
import { readJson } from "./json.ts";
import { readParquet } from "./parquet.ts";
import { readPostgres } from "./postgres.ts";
import type { IngestSession } from "./session.ts";

/** The listed columns of a source as DuckDB reads them, in the order of the declaration. */
export interface Source {
  /** What stands after FROM. */
  relation: string;
  /** Likewise, with a column `sluice_row` besides: the row's number from 1. For errors only. */
  numbered: string;
  columns: SourceColumn[];
}

export interface SourceColumn {
  spec: ProductColumn;
  /** SQL over `relation`, of type `type`. */
  expression: string;
  /** DuckDB's name of the type. */
  type: string;
}

export interface OpenedSource extends Source {
  digest: Digest;
  /** Throws when a file was changed while it was read. */
  checkUnchanged(): Promise<void>;
}

export interface FileSource {
  path: string;
  columns: readonly ProductColumn[];
}

type FileReader = (session: IngestSession, file: FileSource) => Promise<Source>;

const READERS: readonly [RegExp, FileReader][] = [
  [/\.csv(\.gz)?$/i, (session, file) => readCsv(session, file, ",")],
  [/\.tsv(\.gz)?$/i, (session, file) => readCsv(session, file, "\t")],
  [/\.json(\.gz)?$/i, (session, file) => readJson(session, file, "auto")],
  [/\.(ndjson|jsonl)(\.gz)?$/i, (session, file) => readJson(session, file, "newline_delimited")],
  [/\.parquet$/i, readParquet],
];

export async function openSource(session: IngestSession, spec: ProductSpec): Promise<OpenedSource> {
  const { source, columns } = spec;
  if ("postgres" in source) return readPostgres(session, { url: source.postgres, table: source.table, columns });
  if ("url" in source) throw new AppError("not_supported", "a source by URL is not available on this server");
  return openFile(session, { path: source.path, columns });
}

async function openFile(session: IngestSession, file: FileSource): Promise<OpenedSource> {
  const path = isAbsolute(file.path) ? file.path : resolve(file.path);
  const reader = READERS.find(([pattern]) => pattern.test(path))?.[1];
  if (!reader) {
    throw ingestFailed("the source must be a .csv, .tsv, .json, .ndjson, .jsonl or .parquet file");
  }
  // DuckDB would take these for a pattern of files
  if (/[*?[\]{}]/.test(path)) throw ingestFailed("the path of the source must not have any of the characters *?[]{}");
  const before = await identityOf(path);
  const digest = await sha256OfFile(path);
  const opened = await reader(session, { path, columns: file.columns });
  return {
    ...opened,
    digest,
    async checkUnchanged() {
      if ((await identityOf(path)) !== before) throw ingestFailed("the source was changed while it was read");
    },
  };
}

async function identityOf(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    await file.close();
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    if (!(await stat(path)).isFile()) throw ingestFailed("the source is not a file");
    return [dev, ino, size, mtimeNs].join(":");
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw ingestFailed("the source cannot be read");
  }
}

/** The declared columns as the source has them; throws for the first that is not there. */
export function requireColumns(columns: readonly ProductColumn[], found: readonly string[]): void {
  const missing = columns.find((column) => !found.includes(column.name));
  if (missing) throw ingestFailed("a declared column is not in the source", { column: missing.name });
}
