/**
 * Entry of an engine process: frames on file descriptor 3 in and 4 out. Its one argument says that it is
 * locked (self-lock.ts); it reads no environment; the supervisor ends it.
 */
import { Socket } from "node:net";
import { serveEngine } from "#engine/index.ts";
import { takeLock } from "./self-lock.ts";

const input = new Socket({ fd: 3, readable: true, writable: false });
const output = new Socket({ fd: 4, readable: false, writable: true });
// nobody reads any more: there is nobody to work for
output.on("error", () => process.exit(1));

try {
  await serveEngine({ input, output, pid: process.pid, lock: takeLock() });
  await new Promise<void>((done) => output.end(() => done()));
  process.exit(0);
} catch {
  // A protocol break or a bug: the supervisor sees the process end. No text leaves, it could carry data.
  process.exit(1);
}
