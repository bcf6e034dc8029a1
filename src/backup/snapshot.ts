import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { DatabaseHandle } from "#persistence/index.ts";
import { type Dump, dumpDatabase } from "./dump.ts";

/** What the thread is given: a copy of an embedded database, and where the tables are written to. */
export interface CopyToDump {
  database: string;
  directory: string;
}

/**
 * Writes every table as of one moment while others go on. PostgreSQL keeps a snapshot for a transaction. The embedded database
 * has one connection: its files are copied, which others wait for, and the copy is opened and read in a thread of its own.
 */
export async function dumpSnapshot(handle: DatabaseHandle, directory: string): Promise<Dump> {
  if (!handle.copyTo) return dumpDatabase(handle.db, directory);
  const database = join(directory, "snapshot");
  try {
    await handle.copyTo(database);
    return await dumpInThread({ database, directory });
  } finally {
    await rm(database, { recursive: true, force: true });
  }
}

/** Settles when the thread has ended: until then it has files of the copy open, and writes some as it closes them. */
async function dumpInThread(order: CopyToDump): Promise<Dump> {
  const thread = new Worker(new URL("./dump-thread.ts", import.meta.url), { workerData: order });
  return new Promise((resolve, reject) => {
    let dump: Dump | undefined;
    thread.once("message", (message: Dump) => (dump = message));
    thread.once("error", reject);
    thread.once("exit", () => {
      if (dump) resolve(dump);
      else reject(new Error("the thread that writes the tables ended early"));
    });
  });
}
