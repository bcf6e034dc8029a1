/**
 * The second lock of a confined process, put on by itself when all is loaded and before the first byte of a
 * developer's. The supervisor hands the filter over on descriptor 5 and says so in the program's one argument.
 */
import { closeSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { INSTRUCTION_BYTES, LOCK_FILTER_FD, OWN_PID } from "#contract/self-lock.ts";

const CONSTANT_OFFSET = 4;

/**
 * Takes the filter and what installs it, and answers how to lock: that touches no file any more. Without the
 * argument nobody confines this process (a plain one, for development) and nothing happens; a filter that is not whole
 * throws.
 */
export function takeLock(): () => void {
  if (process.argv[2] !== "lock") return () => undefined;
  const filter = readFileSync(LOCK_FILTER_FD);
  closeSync(LOCK_FILTER_FD);
  if (filter.byteLength === 0 || filter.byteLength % INSTRUCTION_BYTES !== 0) throw new Error("no filter came");
  for (let at = CONSTANT_OFFSET; at < filter.byteLength; at += INSTRUCTION_BYTES) {
    if (filter.readUInt32LE(at) === OWN_PID) filter.writeUInt32LE(process.pid, at);
  }
  const addon = createRequire(import.meta.url)("../../build/native/sluice-lock.node") as { lock(filter: Buffer): void };
  let locked = false;
  return () => {
    if (!locked) addon.lock(filter);
    locked = true;
  };
}
