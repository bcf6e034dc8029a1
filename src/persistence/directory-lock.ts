import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, open, readFile, rename, rm } from "node:fs/promises";
import { AppError } from "#kernel/errors.ts";

/** Who holds the directory. A process number is used again after a while, so its start and the boot count too. */
interface Holder {
  pid: number;
  /** Clock ticks from boot to the start of the process (`/proc/pid/stat`), or null where there is no /proc. */
  startTicks: string | null;
  bootId: string | null;
}

const ATTEMPTS = 5;

/**
 * Takes the lock file or throws `configuration_invalid`; the returned function gives it back. The file of a
 * process that has died is taken over.
 */
export async function lockDirectory(path: string): Promise<() => Promise<void>> {
  const mine = JSON.stringify(describeProcess(process.pid));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await create(path, mine)) return async () => await rm(path, { force: true });
    const text = await readIfThere(path);
    if (text === undefined) continue;
    if (isAlive(text)) break;
    await removeStale(path, text);
  }
  throw new AppError("configuration_invalid", `${path}: another process uses this data directory`);
}

async function create(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A link appears with its content: nobody can read a half-written lock.
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Moves the stale file aside; what another process put there in the meantime is put back. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await readIfThere(aside)) !== stale) await link(aside, path).catch(ignoreExisting);
  await rm(aside, { force: true });
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive(text: string): boolean {
  const holder = parseHolder(text);
  if (!holder) return false;
  const now = describeProcess(holder.pid);
  if (holder.bootId !== now.bootId) return false;
  if (!processExists(holder.pid)) return false;
  return holder.startTicks === null || now.startTicks === null || holder.startTicks === now.startTicks;
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Holder;
    return Number.isInteger(value.pid) && value.pid > 0 ? value : undefined;
  } catch {
    return undefined;
  }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function describeProcess(pid: number): Holder {
  return { pid, startTicks: startTicksOf(pid), bootId: readText("/proc/sys/kernel/random/boot_id") };
}

/** Field 22 of stat; the name in parentheses before it may hold spaces and parentheses. */
function startTicksOf(pid: number): string | null {
  const stat = readText(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
