import { randomBytes } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";

/** Who holds the directory. */
interface Holder {
  /** For whoever looks at the file; in another container the number means another process. */
  pid: number;
  /** Name of a socket beside the file. The holder listens there: the kernel ends that with its process, however it ends. */
  socket: string;
}

const ATTEMPTS = 50;
const PAUSE_MS = 20;

/**
 * Takes the lock file or throws `configuration_invalid`; the returned function gives it back. The file of a
 * process that has died is taken over. Holds between all processes of a machine, also those of different containers.
 */
export async function lockDirectory(path: string): Promise<() => Promise<void>> {
  const sign = await giveSign(path);
  const mine = JSON.stringify({ pid: process.pid, socket: sign.socket } satisfies Holder);
  try {
    if (await take(path, mine)) {
      return async () => {
        await rm(path, { force: true });
        await sign.end();
      };
    }
  } catch (error) {
    await sign.end();
    throw error;
  }
  await sign.end();
  throw new AppError("configuration_invalid", `${path}: another process uses this data directory`);
}

async function take(path: string, mine: string): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await create(path, mine)) return true;
    const text = await readIfThere(path);
    if (text === undefined) continue;
    if (await isAlive(path, text)) return false;
    await removeStale({ path, text, mine });
  }
  return false;
}

/** A sign of life: a socket that is answered while this process lives. */
async function giveSign(path: string): Promise<{ socket: string; end(): Promise<void> }> {
  const socket = `${basename(path)}.${randomBytes(8).toString("hex")}.sock`;
  const directory = await open(dirname(path));
  const server = createServer((peer) => peer.destroy()).unref();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(addressIn(directory.fd, socket), resolve);
    });
  } catch (cause) {
    await directory.close();
    throw new AppError("configuration_invalid", `${dirname(path)}: no socket can be made in this directory`, { cause });
  }
  const end = async () => {
    await new Promise((resolve) => server.close(resolve));
    await directory.close();
  };
  return { socket, end };
}

/** The name of a socket may have 107 characters at most, that of a directory more. */
function addressIn(directory: number, socket: string): string {
  return `/proc/self/fd/${directory}/${socket}`;
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

/**
 * INVARIANT: the file of a dead holder is removed by whoever has the right to remove this very one, so never that of
 * the process that has taken its place meanwhile.
 */
async function removeStale({ path, text, mine }: { path: string; text: string; mine: string }): Promise<void> {
  const right = `${path}.${sha256(text).slice(-16)}`;
  if (!(await take(right, mine))) return sleep(PAUSE_MS);
  try {
    if ((await readIfThere(path)) !== text) return;
    const socket = parseHolder(text)?.socket;
    if (socket !== undefined) await rm(join(dirname(path), socket), { force: true });
    await rm(path);
  } finally {
    await rm(right, { force: true });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Only a socket that is not there, or that nobody listens at, is a sign of death. */
async function isAlive(path: string, text: string): Promise<boolean> {
  const holder = parseHolder(text);
  if (!holder) return false;
  await using directory = await open(dirname(path));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const peer = connect(addressIn(directory.fd, holder.socket), () => resolve(true));
  peer.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code !== "ECONNREFUSED" && code !== "ENOENT"));
  return await promise.finally(() => peer.destroy());
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, socket } = JSON.parse(text) as Holder;
    const isName = typeof socket === "string" && basename(socket) === socket;
    return isName && Number.isInteger(pid) && pid > 0 ? { pid, socket } : undefined;
  } catch {
    return undefined;
  }
}
