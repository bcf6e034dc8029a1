import { link, mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "#kernel/digest.ts";

/** Directory beside the objects where one lies for the moment in which it is removed. */
export const LEAVING = "leaving";

/** Marks a stored object as wanted now; false when it is not there. */
export async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(() => true, isAbsent);
}

/**
 * INVARIANT: an object that somebody stores again while it is removed stays. It is moved aside first, so that the other
 * one either touched it before, which shows here, or finds nothing and writes it anew.
 */
export async function removeObject(
  path: string,
  { aside, untouchedSinceMs }: { aside: string; untouchedSinceMs: number },
): Promise<boolean> {
  await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
  if (!(await rename(path, aside).then(() => true, isAbsent))) return false;
  const { mtimeMs } = await stat(aside);
  const isWanted = mtimeMs > untouchedSinceMs;
  if (isWanted) await link(aside, path).catch(ignoreExisting);
  await rm(aside, { force: true });
  return !isWanted;
}

/** Puts back what a process that died was removing: whether it is still wanted is asked again later. */
export async function restoreLeaving(directory: string, pathOf: (digest: Digest) => string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    await link(join(directory, name), pathOf(`sha256:${name}`)).catch(ignoreExisting);
    await rm(join(directory, name), { force: true });
  }
}

/** Every object; and what a process that died left half written goes, when it is a day old. */
export async function* listObjects(directory: string): AsyncGenerator<Digest> {
  for (const shard of await readdir(directory)) {
    if (!/^[0-9a-f]{2}$/.test(shard)) continue;
    for (const name of await readdir(join(directory, shard))) {
      if (/^[0-9a-f]{64}$/.test(name)) yield `sha256:${name}`;
      else if (name.endsWith(".tmp")) await removeIfOld(join(directory, shard, name));
    }
  }
}

const DAY_MS = 86_400_000;

async function removeIfOld(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found && found.mtimeMs < Date.now() - DAY_MS) await rm(path, { force: true });
}

function isAbsent(error: NodeJS.ErrnoException): false {
  if (error.code !== "ENOENT") throw error;
  return false;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
