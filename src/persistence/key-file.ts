import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "#kernel/errors.ts";

/** A secret of 32 random bytes in a file of its own (mode 0600), made at the first start. */
export async function readOrCreateKey(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const file = await open(path, "wx", 0o600);
    await file.writeFile(randomBytes(32));
    await file.sync();
    await file.close();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
  }
  const { mode } = await stat(path);
  const key = await readFile(path);
  if ((mode & 0o077) !== 0) throw new AppError("configuration_invalid", `${path}: the key is readable by others`);
  if (key.byteLength !== 32) throw new AppError("configuration_invalid", `${path}: the key is not 32 bytes long`);
  return key;
}
