import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

const SQLITE_BUSY = 5;
const RETRY_MS = 50;

/**
 * Runs `work` while nobody else works on the directory, in this process or another of this machine. The lock is the
 * kernel's (SQLite's on an empty file): it ends with its holder, however that dies, and needs no process number, which
 * means nothing within a process namespace. Waits as long as it takes; rejects when `signal` is aborted.
 */
export async function withSubjectLock<T>(
  directory: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  using lock = new DatabaseSync(join(directory, "lock"), { timeout: 0 });
  while (!tryLock(lock)) await sleep(RETRY_MS, undefined, signal ? { signal } : {});
  return await work();
}

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
