import { createWriteStream } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { CliError } from "./cli-error.ts";
import type { Terminal } from "./terminal.ts";

/** The text of a file, or of standard input for `-`. */
export async function readInput(terminal: Terminal, file: string): Promise<string> {
  if (file === "-") return text(terminal.stdin);
  try {
    return await readFile(pathOfArgument(terminal, file), "utf8");
  } catch (cause) {
    throw new CliError("file_unreadable", `${file}: ${reasonOf(cause)}`, { cause });
  }
}

/** Writes a file in one step: a broken download leaves nothing under its name. */
export async function writeOutput(
  terminal: Terminal,
  file: string,
  pieces: AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const path = pathOfArgument(terminal, file);
  const draft = `${path}.${process.pid}.part`;
  try {
    await pipeline(pieces, createWriteStream(draft, { flags: "wx", mode: 0o600 }));
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    if (typeof (cause as NodeJS.ErrnoException).syscall !== "string") throw cause;
    throw new CliError("file_unwritable", `${file}: ${reasonOf(cause)}`, { cause });
  }
}

export function pathOfArgument(terminal: Terminal, file: string): string {
  return isAbsolute(file) ? file : resolve(terminal.directory, file);
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "it cannot be used";
}
