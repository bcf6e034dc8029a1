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
/**
 * DuckDB's part of the memory. The rest is Node, the batches being built, and what DuckDB does not account: pages of
 * Parquet, and memory that its allocator keeps. With 640 of 1,024 MiB twenty million keys of text peaked at 1,219 MiB.
 */
const ENGINE_SHARE = 0.35;
const LEAST_ENGINE_BYTES = 128 * 1024 * 1024;

export async function openSession(options: SessionOptions): Promise<IngestSession> {
  const { workDirectory, memoryBytes, signal } = options;
  const engineBytes = Math.max(LEAST_ENGINE_BYTES, memoryBytes * ENGINE_SHARE);
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
