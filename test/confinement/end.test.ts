import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readlinkSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import t from "tap";
import { ConfinedProcess } from "../../src/runner/confined-process.ts";
import { createGroup } from "../../src/runner/confinement/cgroup.ts";
import { isAlive } from "../tooling/is-alive.ts";
import { type Confinement, descendantsOf, findLimiter } from "../../src/runner/confinement/index.ts";
import { detectConfinement } from "../../src/runner/detect-confinement.ts";
import { PROBE } from "./look-process.ts";

const MIB = 1024 * 1024;
const HOLDER = join(import.meta.dirname, "holder-process.ts");
const limiter = findLimiter();
const held: Confinement[] = [];
for (const kind of ["bubblewrap", "landlock"] as const) {
  const { confinement } = await detectConfinement({ accepted: [kind], controlGroup: "preferred" });
  if (confinement !== undefined) held.push(confinement);
}
const skip = held.length === 0 && "neither bubblewrap nor Landlock holds on this machine";
const skipGroups = skip || (limiter === "rlimit" && "no control group can be made here");

const start = async (confinement: Confinement, role: "engine" | "isolate" = "isolate") =>
  ConfinedProcess.start({ role, readOnly: [], memoryBytes: 256 * MIB, confinement, program: PROBE });

/** Directories of control groups that a process has made. */
function groupsOf(pid: number): string[] {
  return globSync(`/sys/fs/cgroup/**/sluice-${pid}-*`);
}

async function until(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 200 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  return holds();
}

t.test("when an end is told, nothing of the process is left", { skip }, async (t) => {
  for (const confinement of [...held, "process" as const]) {
    const inside = await start(confinement);
    inside.send({ op: "do", deed: "spin" });
    const family = [inside.pid!, ...descendantsOf(inside.pid!)];
    t.ok(family.length >= (confinement.startsWith("bubblewrap") ? 3 : 1), `${confinement}: ${family.length} processes`);
    inside.kill();
    t.match(await inside.ended, { how: "requested", requested: true });
    t.strictSame(family.filter(isAlive), [], confinement);
    t.strictSame(groupsOf(process.pid), [], "no control group");
  }
});

t.test("what a process used is seen from outside, also after its end", { skip }, async (t) => {
  for (const confinement of held) {
    const inside = await start(confinement);
    const before = inside.usage();
    t.ok(before.peakMemoryBytes > 20 * MIB, `${before.peakMemoryBytes} bytes`);
    inside.send({ op: "do", deed: "spin" });
    t.ok(await until(() => inside.usage().cpuMs >= before.cpuMs + 50), confinement);
    inside.kill();
    await inside.ended;
    t.ok(inside.usage().cpuMs >= before.cpuMs + 50, "the last that was seen");
  }
});

t.test("the kernel's end for memory is told as that", { skip: skipGroups }, async (t) => {
  for (const confinement of held) {
    const inside = await start(confinement, "engine");
    inside.send({ op: "do", deed: "memory" });
    t.match(await inside.ended, { how: "out_of_memory", requested: false }, confinement);
  }
});

t.test("a program that ends or fails by itself is told apart", { skip }, async (t) => {
  for (const confinement of held) {
    const inside = await start(confinement);
    inside.end(10_000);
    t.match(await inside.ended, { how: "exited", code: 0, requested: false });
    const broken = await start(confinement);
    process.kill(descendantsOf(broken.pid!).at(-1) ?? broken.pid!, "SIGSEGV");
    t.match(await broken.ended, { how: "signalled", signal: "SIGSEGV", requested: false });
  }
});

t.test("a runner that is killed leaves no process, and its groups go with the next start", { skip }, async (t) => {
  for (const confinement of held) {
    const holder = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", HOLDER, confinement], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface({ input: holder.stdout }), "line")) as [string];
    const family = JSON.parse(line) as number[];
    t.ok(family.length > 0);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    t.ok(await until(() => !family.some(isAlive)), `${confinement}: all gone`);
    if (limiter === "rlimit") continue;
    t.not(groupsOf(holder.pid!).length, 0, "nobody was there to remove them");
    const next = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", HOLDER, confinement], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(createInterface({ input: next.stdout }), "line");
    t.strictSame(groupsOf(holder.pid!), [], "swept");
    const later = descendantsOf(next.pid!);
    next.kill("SIGKILL");
    await once(next, "exit");
    await until(() => !later.some(isAlive));
    // the kernel lets go of a group a moment after the last process of it
    t.ok(await until(() => groupsOf(next.pid!).every(removed)));
  }
});

const ALONE = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const skipAlone =
  skipGroups || (spawnSync("unshare", [...ALONE, "true"]).status !== 0 && "no namespace can be made here");

t.test("a runner leaves alone what those of other containers have", { skip: skipAlone }, async (t) => {
  const program = [process.execPath, "--disable-warning=ExperimentalWarning", HOLDER, held[0]!];
  const other = spawn("unshare", [...ALONE, ...program], { stdio: ["ignore", "pipe", "inherit"] });
  await once(createInterface({ input: other.stdout }), "line");
  const family = descendantsOf(other.pid!);
  const [namespace] = /\d+/.exec(readlinkSync(`/proc/${family[0]}/ns/pid`))!;
  const groups = () => globSync(`/sys/fs/cgroup/**/sluice-*-${namespace}`);
  t.not(groups().length, 0);
  const [command, ...words] = program;
  const next = spawn(command!, words, { stdio: ["ignore", "pipe", "inherit"] });
  await once(createInterface({ input: next.stdout }), "line");
  t.strictSame(family.filter(isAlive), family, "their numbers mean others here, and nobody took them for dead");
  for (const runner of [next, other]) {
    runner.kill("SIGKILL");
    await once(runner, "exit");
  }
  // nobody comes after them
  t.ok(await until(() => [...groups(), ...groupsOf(next.pid!)].every(removed)));
});

function removed(root: string): boolean {
  try {
    for (const path of [...globSync(`${root}/*/`), root]) rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

t.test("a group is whole or not there", { skip: skipGroups }, async (t) => {
  if (limiter === "rlimit") return;
  t.throws(() => createGroup(limiter, { memoryBytes: -5, tasks: 8 }));
  t.strictSame(
    groupsOf(process.pid).filter((path) => existsSync(join(path, "1"))),
    [],
  );
  const group = createGroup(limiter, { memoryBytes: 64 * MIB, tasks: 8 });
  for (const file of group.joinFiles) t.ok(existsSync(file));
  t.equal(group.wasOutOfMemory(), false);
  await group.remove();
  for (const file of group.joinFiles) t.notOk(existsSync(dirname(file)));
});
