import { type Stats, readdirSync, statSync } from "node:fs";
import { constants, copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** What was copied: how each file looked before. */
export type CopiedFiles = Map<string, Look>;

interface Look {
  size: number;
  modifiedMs: number;
  changedMs: number;
  inode: number;
  /** A file that was written to so shortly before may be written to again within the same tick of its clock. */
  isFresh: boolean;
}

const FRESH_MS = 2_000;
const AT_ONCE = 8;

/** Copies the files below a directory while somebody may write to them; what is not whole is told by `copyChanges` later. */
export async function copyFiles(from: string, to: string): Promise<CopiedFiles> {
  return copyChanges(from, to, new Map());
}

/** Copies what looks different from what was copied, and removes what is gone. Nobody writes meanwhile, if it is to be whole. */
export async function copyChanges(from: string, to: string, copied: CopiedFiles): Promise<CopiedFiles> {
  const { files: now, directories } = lookAtAll(from);
  for (const path of ["", ...directories]) await mkdir(join(to, path), { recursive: true, mode: 0o700 });
  const changed = [...now].filter(([path, look]) => !isSame(look, copied.get(path))).map(([path]) => path);
  const next = changed.values();
  const copyNext = async () => {
    for (const path of next) await copyOne(join(from, path), join(to, path));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, copyNext));
  for (const path of copied.keys()) if (!now.has(path)) await rm(join(to, path), { force: true });
  return now;
}

function isSame(look: Look, before: Look | undefined): boolean {
  if (before === undefined || before.isFresh) return false;
  const { size, modifiedMs, changedMs, inode } = before;
  return look.size === size && look.modifiedMs === modifiedMs && look.changedMs === changedMs && look.inode === inode;
}

/** At once: a thousand files take some milliseconds, and nothing changes between two of them. */
function lookAtAll(directory: string): { files: CopiedFiles; directories: string[] } {
  const nowMs = Date.now();
  const files: CopiedFiles = new Map();
  const directories: string[] = [];
  for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const stats = statSync(join(directory, path), { throwIfNoEntry: false });
    if (stats?.isFile()) files.set(path, lookOf(stats, nowMs));
    if (stats?.isDirectory()) directories.push(path);
  }
  return { files, directories };
}

function lookOf({ size, mtimeMs, ctimeMs, ino }: Stats, nowMs: number): Look {
  const isFresh = Math.max(mtimeMs, ctimeMs) > nowMs - FRESH_MS;
  return { size, modifiedMs: mtimeMs, changedMs: ctimeMs, inode: ino, isFresh };
}

async function copyOne(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE).catch((error: unknown) => {
    // gone since it was looked at
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  });
}
