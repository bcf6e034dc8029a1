import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { promisify } from "node:util";
import { AppError } from "#kernel/errors.ts";
import { readKey, readOrCreateKey } from "./key-file.ts";

/**
 * Where the key comes from that seals what is stored: a file of 32 bytes (mode 0600), made at the first start unless it
 * is `given`; or a program, which may ask a key management service, and prints the key in base64 on standard output.
 */
export type ObjectKeySource = { kind: "file"; path: string; given: boolean } | { kind: "command"; path: string };

const KEY_BYTES = 32;
const COMMAND_TIMEOUT_MS = 30_000;

/** Throws `configuration_invalid`; what a program wrote is never repeated. */
export async function loadObjectKey(source: ObjectKeySource): Promise<Buffer> {
  if (source.kind === "file") return source.given ? readKey(source.path) : readOrCreateKey(source.path);
  const text = await askProgram(source.path);
  const key = Buffer.from(text, "base64");
  if (key.byteLength === KEY_BYTES && key.toString("base64") === text) return key;
  throw new AppError("configuration_invalid", `${source.path}: it must print one key of 32 bytes in base64`);
}

/** By which a key is recognised, and which tells nothing of it. */
export function keyCheckOf(key: Buffer): string {
  return createHmac("sha256", key).update("sluice key check").digest("hex").slice(0, 32);
}

export function secretOf(key: Buffer, purpose: string): Buffer {
  return createHmac("sha256", key).update(`sluice secret/1 ${purpose}`).digest();
}

async function askProgram(path: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(path, [], { timeout: COMMAND_TIMEOUT_MS, maxBuffer: 4096 });
    return stdout.trim();
  } catch {
    // its error would carry its output
    throw new AppError("configuration_invalid", `${path}: the program that gives the key failed`);
  }
}
