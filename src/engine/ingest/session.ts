import { join } from "node:path";
import { availableParallelism } from "node:os";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";

/** A DuckDB of its own with its database and spill files in the work directory of one ingest. */
export interface IngestSession extends Disposable {
  connection: DuckDBConnection;
  workDirectory: string;
  signal: AbortSignal | undefined;
}

export interface SessionOptions {
  workDirectory: string;
  memoryBytes: number;
  signal: AbortSignal | undefined;
}

const MOST_THREADS = 8;
/** What this process needs beside DuckDB: Node, the batches being built, Parquet pages outside DuckDB's accounting. */
const OWN_BYTES = 384 * 1024 * 1024;
const LEAST_ENGINE_BYTES = 128 * 1024 * 1024;

export async function openSession(options: SessionOptions): Promise<IngestSession> {
  const { workDirectory, memoryBytes, signal } = options;
  const engineBytes = Math.max(LEAST_ENGINE_BYTES, memoryBytes - OWN_BYTES);
  const instance = await DuckDBInstance.create(join(workDirectory, "work.duckdb"), {
    threads: String(Math.min(MOST_THREADS, availableParallelism())),
    memory_limit: `${Math.floor(engineBytes / 1024)}KiB`,
    temp_directory: join(workDirectory, "spill"),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    preserve_insertion_order: "true",
  });
  const connection = await instance.connect();
  return {
    connection,
    workDirectory,
    signal,
    [Symbol.dispose]: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
