/**
 * Entry of the confined JavaScript process: frames in on descriptor 3, out on 4. `--jitless` leaves Node without
 * WebAssembly and so without its type stripping: the runner starts the stripped copy (runner/program.ts).
 */
import { Socket } from "node:net";
import { loadBootstrap, loadLibraries, serveIsolate } from "#isolate/index.ts";
import { takeLock } from "./self-lock.ts";

// The isolate's clock is the job's; its time zone must not be the machine's.
process.env["TZ"] = "UTC";

/** `process.exit` waits for the threads of an isolate that is stuck; this does not. */
function die(): void {
  try {
    process.kill(process.pid, "SIGKILL");
  } finally {
    process.abort();
  }
}

process.on("uncaughtException", die);
const input = new Socket({ fd: 3, readable: true, writable: false });
const output = new Socket({ fd: 4, readable: false, writable: true });
output.on("error", die);
output.on("close", die);
try {
  const loaded = { bootstrap: loadBootstrap(), libraries: loadLibraries() };
  await serveIsolate({ input, output, pid: process.pid, ...loaded, lock: takeLock(), die });
} finally {
  die();
}
