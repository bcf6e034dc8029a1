/** The thread of `snapshot.ts`: reads a copy of an embedded database, which it alone has open. */
import { parentPort, workerData } from "node:worker_threads";
import { openDatabase } from "#persistence/index.ts";
import { dumpDatabase } from "./dump.ts";
import type { CopyToDump } from "./snapshot.ts";

const { database, directory } = workerData as CopyToDump;
const handle = await openDatabase({ kind: "embedded", directory: database });
try {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of a thread, not of a window
  parentPort?.postMessage(await dumpDatabase(handle.db, directory));
} finally {
  await handle[Symbol.asyncDispose]();
}
