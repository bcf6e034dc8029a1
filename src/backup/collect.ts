import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { AppError } from "#kernel/errors.ts";
import type { Dump } from "./dump.ts";
import { copyDigested, writeDigested } from "./files.ts";
import type { BackupFile } from "./manifest.ts";

/**
 * Copies the files that the snapshot needs, below `to` as they lie below the data directory. Objects and versions never
 * change, and go a day after nothing needs them at the earliest; so they can be copied after the snapshot.
 */
export async function* collectFiles(
  from: string,
  to: string,
  { objects, versions }: Pick<Dump, "objects" | "versions">,
): AsyncGenerator<BackupFile> {
  for (const object of objects) {
    const hex = object.slice("sha256:".length);
    yield await copy({ from, to, path: join("objects", hex.slice(0, 2), hex) }, "object_missing");
  }
  for (const { directory, files } of versions) {
    yield await copy({ from, to, path: join(directory, "manifest.json") }, "bad_arrow_file");
    for (const { path, digest } of files) {
      const copied = await copy({ from, to, path: join(directory, path) }, "bad_arrow_file");
      if (copied.digest !== digest) throw new AppError("bad_arrow_file", `${copied.path} does not match its digest`);
      yield copied;
    }
  }
  // after the snapshot: the register only grows, so it knows every subject of the versions above
  if (versions.length > 0) yield* copyRegister(from, to);
}

interface Copy {
  from: string;
  to: string;
  path: string;
}

async function copy({ from, to, path }: Copy, missing: "object_missing" | "bad_arrow_file"): Promise<BackupFile> {
  try {
    return { path, ...(await copyDigested(join(from, path), join(to, path))) };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new AppError(missing, `${path} is missing`, { cause });
  }
}

const REGISTER = join("governance", "subjects");
const Register = Type.Object({ segments: Type.Array(Type.Object({ path: Type.String(), digest: Type.String() })) });
const TRIES = 5;

/**
 * Segments can be joined while they are copied, and the old ones go: then another index names what there is, and it
 * begins again. The index is written as it was read, so that it names the segments that were copied.
 */
async function* copyRegister(from: string, to: string): AsyncGenerator<BackupFile> {
  const index = join(REGISTER, "registry.json");
  for (let tries = 1; ; tries++) {
    const text = await readIfThere(join(from, index));
    if (text === undefined) return;
    const segments = await copySegments({ from, to, text });
    if (segments) {
      yield* segments;
      yield { path: index, ...(await writeDigested(join(to, index), [text])) };
      return;
    }
    await rm(join(to, REGISTER), { recursive: true, force: true });
    if (tries === TRIES) throw new AppError("conflict", "the register of subjects changes all the time: try again");
  }
}

async function copySegments({
  from,
  to,
  text,
}: Omit<Copy, "path"> & { text: string }): Promise<BackupFile[] | undefined> {
  const value: unknown = JSON.parse(text);
  if (!Value.Check(Register, value)) throw new AppError("subject_registry_damaged");
  const copied: BackupFile[] = [];
  for (const { path: name, digest } of value.segments) {
    const path = join(REGISTER, name);
    const file = await copyDigested(join(from, path), join(to, path)).catch(ignoreAbsent);
    if (!file) return undefined;
    if (file.digest !== digest) throw new AppError("subject_registry_damaged", `${path} does not match its digest`);
    copied.push({ path, ...file });
  }
  return copied;
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(ignoreAbsent);
}

function ignoreAbsent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
