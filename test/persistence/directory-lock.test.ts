import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import tap, { type Test } from "tap";
import { openDatabase } from "#persistence/index.ts";
import { lockDirectory } from "../../src/persistence/directory-lock.ts";
import { createTestDatabase } from "./databases.ts";

const PROGRAM = resolve(import.meta.dirname, "committing-process.ts");

function lockOf(t: Test): string {
  return join(t.testdir(), "lock");
}

await tap.test("a second process cannot open the directory until the first has ended", async (t) => {
  const options = await createTestDatabase(t, "embedded");
  if (options.kind !== "embedded") throw new Error("not embedded");
  const child = spawn(process.execPath, [PROGRAM, options.directory], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  child.stdout.resume();
  await t.rejects(openDatabase(options), { code: "configuration_invalid" });
  child.kill("SIGKILL");
  await ended;
  const handle = await openDatabase(options);
  await handle[Symbol.asyncDispose]();
  t.notOk((await readdir(options.directory)).includes("lock"), "closing gives the lock back");
});

await tap.test("the same process cannot open it twice either", async (t) => {
  const path = lockOf(t);
  const unlock = await lockDirectory(path);
  await t.rejects(lockDirectory(path), { code: "configuration_invalid" });
  await unlock();
  const again = await lockDirectory(path);
  await again();
});

const self = { pid: process.pid, ...JSON.parse(await holderOfThisProcess()) } as Record<string, unknown>;

async function holderOfThisProcess(): Promise<string> {
  const path = join(tap.testdir(), "holder");
  const unlock = await lockDirectory(path);
  const text = await readFile(path, "utf8");
  await unlock();
  return text;
}

const stale: [what: string, text: string][] = [
  ["of a process that is gone", JSON.stringify({ ...self, pid: 2 ** 22 + 1 })],
  ["of an earlier process with the same number", JSON.stringify({ ...self, startTicks: "1" })],
  ["of an earlier boot", JSON.stringify({ ...self, bootId: "00000000-0000-0000-0000-000000000000" })],
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
  await writeFile(path, JSON.stringify({ ...self, pid: 2 ** 22 + 1 }));
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, async () => await lockDirectory(path)));
  t.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  t.strictSame(await readdir(join(path, "..")), ["lock"], "nothing else is left behind");
});
