import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "#kernel/errors.ts";

/**
 * Runs `write` on a directory beside the final one and moves it there in one step once all of it is durable. On any
 * failure nothing of it is left.
 */
export async function publishDirectory<T>(directory: string, write: (partial: string) => Promise<T>): Promise<T> {
  if (existsSync(directory)) throw new AppError("conflict", "the version exists already");
  await removeAbandoned(dirname(directory));
  const partial = `${directory}.partial-${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o750 });
  try {
    const outcome = await write(partial);
    await syncDirectory(partial);
    await rename(partial, directory);
    await syncDirectory(dirname(directory));
    return outcome;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

const PARTIAL = /\.partial-\d+$/;
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/**
 * A process that was killed cannot tidy up. Whether another one is alive cannot be seen from within a process
 * namespace, so age decides: an ingest at work touches its files all the time.
 */
async function removeAbandoned(parent: string): Promise<void> {
  if (!existsSync(parent)) return;
  for (const entry of await readdir(parent)) {
    if (!PARTIAL.test(entry)) continue;
    const path = join(parent, entry);
    const names = await readdir(path, { recursive: true }).catch(() => []);
    const times = await Promise.all([path, ...names.map((name) => join(path, name))].map(modifiedMs));
    if (Math.max(...times) < Date.now() - ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

/** Now, for what vanished meanwhile: somebody is at work there. */
async function modifiedMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
}

export async function writeDurably(directory: string, name: string, content: string): Promise<void> {
  const file = await open(join(directory, name), "wx", 0o640);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
