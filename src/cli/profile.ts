import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CliError } from "./cli-error.ts";
import type { Terminal } from "./terminal.ts";

/** What `sluice login` keeps: one server and one token, readable by its owner only. */
export interface Profile {
  url: string;
  token: string;
}

export function profilePath(terminal: Pick<Terminal, "env" | "home">): string {
  const base = terminal.env["XDG_CONFIG_HOME"] || join(terminal.home, ".config");
  return join(base, "sluice", "profile.json");
}

/** The kept profile, or undefined. A file that others can read is refused: its token is not a secret any more. */
export async function findProfile(path: string): Promise<Profile | undefined> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) throw new CliError("profile_exposed", `${path} can be read by others; run sluice login`);
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return parseProfile(path, text);
}

/** Replaces the profile in one step. */
export async function saveProfile(path: string, profile: Profile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  const draft = `${path}.${process.pid}.new`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(profile)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

/** Whether there was one. */
export async function deleteProfile(path: string): Promise<boolean> {
  try {
    await rm(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function parseProfile(path: string, text: string): Profile {
  try {
    const { url, token } = JSON.parse(text) as Record<string, unknown>;
    if (typeof url === "string" && typeof token === "string") return { url, token };
  } catch (cause) {
    throw new CliError("profile_invalid", `${path} is not a profile; run sluice login`, { cause });
  }
  throw new CliError("profile_invalid", `${path} is not a profile; run sluice login`);
}
