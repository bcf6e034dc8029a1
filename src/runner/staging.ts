import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A directory of its own for one ingest: all that its process can write to, besides the register of subjects. */
export interface Staging extends AsyncDisposable {
  directory: string;
  /** Where the process makes the version; it does not exist before. */
  version: string;
  /** Moves the finished version to its place in one step, durably. */
  publish(): Promise<void>;
}

const SUFFIX = ".staging";
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/**
 * Makes the staging directory beside the version's place, so that the move is one step. Whatever is in it when it is
 * disposed of goes, also after a process that was killed; what a killed runner left goes a day later.
 */
export async function openStaging(target: string): Promise<Staging> {
  const directory = `${target}${SUFFIX}`;
  await removeAbandoned(dirname(target));
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const version = join(directory, "version");
  return {
    directory,
    version,
    publish: async () => {
      await rename(version, target);
      await sync(dirname(target));
    },
    [Symbol.asyncDispose]: async () => rm(directory, { recursive: true, force: true }),
  };
}

/** The lease of a version is one runner's, so that of another version is not touched while it may be at work. */
async function removeAbandoned(parent: string): Promise<void> {
  if (!existsSync(parent)) return;
  for (const name of await readdir(parent)) {
    if (!name.endsWith(SUFFIX)) continue;
    const path = join(parent, name);
    const inside = await readdir(path, { recursive: true }).catch(() => []);
    const times = await Promise.all([path, ...inside.map((entry) => join(path, entry))].map(changedMs));
    if (Math.max(...times) < Date.now() - ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

/** Now, for what vanished meanwhile: somebody is at work there. */
async function changedMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
}

async function sync(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}
