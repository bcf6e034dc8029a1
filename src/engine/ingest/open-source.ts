import { open, stat } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import type { ProductSpec } from "#contract/product.ts";
import { sha256OfFile } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { readCsv } from "./csv.ts";
import { ingestFailed } from "./failure.ts";
import { readJson } from "./json.ts";
import { readParquet } from "./parquet.ts";
import { readPostgres } from "./postgres.ts";
import type { IngestSession } from "./session.ts";
import type { FileSource, OpenedSource, Source } from "./source.ts";

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
