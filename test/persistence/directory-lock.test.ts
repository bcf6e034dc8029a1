import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import tap, { type Test } from "tap";
import { type DatabaseHandle, type DatabaseOptions, openDatabase } from "#persistence/index.ts";
import { lockDirectory } from "../../src/persistence/directory-lock.ts";
import { sha256 } from "#kernel/digest.ts";
import { createTestDatabase } from "./databases.ts";

const PROGRAM = resolve(import.meta.dirname, "committing-process.ts");

function lockOf(t: Test): string {
  return join(t.testdir(), "lock");
}

/** Another process that holds the directory, started as `command` says: refuses us until it is killed, then `reopen` gets it. */
async function heldByOther(
  t: Test,
  command: readonly string[],
  reopen: (options: DatabaseOptions) => Promise<DatabaseHandle>,
): Promise<string> {
  const options = await createTestDatabase(t, "embedded");
  if (options.kind !== "embedded") throw new Error("not embedded");
  const [first, ...rest] = [...command, process.execPath, PROGRAM, options.directory];
  const child = spawn(first, rest, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  child.stdout.resume();
  await t.rejects(openDatabase(options), { code: "configuration_invalid" });
  child.kill("SIGKILL");
  await ended;
  const handle = await reopen(options);
  await handle[Symbol.asyncDispose]();
  return options.directory;
}

await tap.test("a second process cannot open the directory until the first has ended", async (t) => {
  const directory = await heldByOther(t, [], openDatabase);
  t.notOk((await readdir(directory)).includes("lock"), "closing gives the lock back");
});

await tap.test("the same process cannot open it twice either", async (t) => {
  const path = lockOf(t);
  const unlock = await lockDirectory(path);
  await t.rejects(lockDirectory(path), { code: "configuration_invalid" });
  await unlock();
  const again = await lockDirectory(path);
  await again();
});

const ALONE = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const skip = spawnSync("unshare", [...ALONE, "true"]).status !== 0 && "no namespace can be made here";

await tap.test("nor one of another container, where numbers of processes are others", { skip }, async (t) => {
  await heldByOther(t, ["unshare", ...ALONE], opened);
});

/** Whoever is killed with its container ends a moment after it. */
async function opened(options: DatabaseOptions): Promise<DatabaseHandle> {
  for (let tries = 0; ; tries++) {
    try {
      return await openDatabase(options);
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(50);
    }
  }
}

await tap.test("a directory may have a long name, and none where there are no sockets is taken", async (t) => {
  const long = join(t.testdir(), "x".repeat(200));
  await mkdir(long);
  const unlock = await lockDirectory(join(long, "lock"));
  await t.rejects(lockDirectory(join(long, "lock")), { code: "configuration_invalid" });
  t.strictSame((await readdir(long)).length, 2, "the file and its socket");
  await unlock();
  t.strictSame(await readdir(long), []);
  await t.rejects(lockDirectory("/proc/self/lock"), { code: "configuration_invalid", message: /no socket/ });
});

const gone = { pid: process.pid, socket: "lock.0.sock" };

const stale: [what: string, text: string][] = [
  ["of a process that is gone", JSON.stringify(gone)],
  ["that names another place", JSON.stringify({ ...gone, socket: "../lock.0.sock" })],
  ["of an older version", JSON.stringify({ pid: process.pid, startTicks: "1", bootId: null })],
  ["without content", ""],
  ["with a broken content", '{"pid":'],
  ["with an impossible process", '{"pid":-1}'],
];

await tap.test("a lock that nobody holds any more is taken over", async (t) => {
  for (const [what, text] of stale) {
    const path = lockOf(t);
    await writeFile(path, text);
    const unlock = await lockDirectory(path);
    t.match(readFileSync(path, "utf8"), `"pid":${process.pid}`, what);
    await unlock();
  }
});

await tap.test("of many that find a stale lock at once, one gets it", async (t) => {
  const path = lockOf(t);
  const rightOfDead = `${path}.${sha256(JSON.stringify(gone)).slice(-16)}`;
  for (let round = 0; round < 20; round++) {
    await writeFile(path, JSON.stringify(gone));
    // one of them died while it removed it
    if (round % 2 === 1) await writeFile(rightOfDead, JSON.stringify(gone));
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, async () => await lockDirectory(path)));
    const taken = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    t.equal(taken.length, 1);
    t.equal((await readdir(join(path, ".."))).length, 2, "its file and its socket, and nothing else is left behind");
    await taken[0]!();
  }
});
