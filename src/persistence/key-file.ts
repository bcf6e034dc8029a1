import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "#kernel/errors.ts";
import { syncDirectory, writeDurably } from "./write-durably.ts";

/** A file of 32 random bytes that only its owner reads; made when it is absent, whole or not at all. */
export async function readOrCreateKey(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (!(await exists(path))) await createKey(path);
  return readKey(path);
}

/** A key that is there. Throws `configuration_invalid` when it is not, or when others can read it. */
export async function readKey(path: string): Promise<Buffer> {
  const { mode } = await stat(path).catch(() => {
    throw new AppError("configuration_invalid", `${path}: there is no such key`);
  });
  const key = await readFile(path);
  if ((mode & 0o077) !== 0) throw new AppError("configuration_invalid", `${path}: the key is readable by others`);
  if (key.byteLength !== 32) throw new AppError("configuration_invalid", `${path}: the key is not 32 bytes long`);
  return key;
}

async function createKey(path: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  await writeDurably(temporary, randomBytes(32));
  try {
    // a link appears with its content, and never replaces a key that somebody else has just made
    await link(temporary, path);
    await syncDirectory(dirname(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
