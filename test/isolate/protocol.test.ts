import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { DEFAULT_ISOLATE_LIMITS } from "../../src/contract/isolate.ts";
import { makeProgram, NOW_MS, startIsolate } from "./supervisor.ts";

const program = makeProgram();
t.teardown(() => program.remove());
const RUN = { op: "run", id: 1, script: "1", parameters: {}, nowMs: NOW_MS, seed: 1, limits: DEFAULT_ISOLATE_LIMITS };

t.test("the first frame says ready, role and process id", async (t) => {
  await using isolate = await startIsolate(program.entry);
  t.match(isolate.ready.header, { op: "ready", role: "isolate", pid: isolate.pid });
  t.equal(isolate.stderr(), "");
});

t.test("a frame that breaks the protocol ends the process at once", async (t) => {
  const broken = [
    { op: "unknown" },
    { ...RUN, script: 5 },
    { ...RUN, seed: -1 },
    { ...RUN, nowMs: 1.5 },
    { ...RUN, parameters: null },
    { ...RUN, limits: { ...DEFAULT_ISOLATE_LIMITS, outputs: "1" } },
    { op: "query_result", id: 1 },
  ];
  for (const header of broken) {
    await using isolate = await startIsolate(program.entry);
    isolate.send(header);
    t.equal((await isolate.exit()).signal, "SIGKILL", JSON.stringify(header).slice(0, 60));
  }
});

t.test("a second run while one is under way ends the process", async (t) => {
  await using isolate = await startIsolate(program.entry);
  isolate.send({ ...RUN, script: "await sql('x')" });
  isolate.send({ ...RUN, id: 2 });
  t.equal((await isolate.exit()).signal, "SIGKILL");
});

t.test("the process ends with its supervisor's pipe, even while a script hangs", async (t) => {
  for (const script of ["1", "for (;;);", "2n ** 2n ** 30n"]) {
    await using isolate = await startIsolate(program.entry);
    isolate.send({ ...RUN, script });
    await new Promise((resolve) => setTimeout(resolve, 50));
    (isolate.child.stdio[3] as NodeJS.WritableStream).end();
    t.equal((await isolate.exit()).signal, "SIGKILL", script);
    t.equal(existsSync(`/proc/${isolate.pid}`), false);
  }
});

t.test("after ready the process opens no file", { skip: !existsSync("/proc/self/fd") }, async (t) => {
  await using isolate = await startIsolate(program.entry);
  const mapped = () => readFileSync(`/proc/${isolate.pid}/maps`, "utf8").match(/\/\S+$/gm)?.length;
  const read = () => /rchar: (\d+)/.exec(readFileSync(`/proc/${isolate.pid}/io`, "utf8"))?.[1];
  const before = mapped();
  await isolate.run("1");
  const readBefore = Number(read());
  for (let i = 0; i < 20; i++)
    await isolate.run("console.log(1); output.table('t', await sql('x')); throw new Error('x')");
  t.equal(mapped(), before);
  // what it read meanwhile are the frames sent to it, some hundred bytes a run
  t.ok(Number(read()) - readBefore < 20 * 4096);
});

t.test("hundreds of runs leave neither memory nor threads behind", async (t) => {
  await using isolate = await startIsolate(program.entry);
  const status = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${isolate.pid}/status`, "utf8"))?.[1]);
  const script = "const a = []; for (let i = 0; i < 1000; i++) a.push({ i }); output.table('t', a)";
  for (let i = 0; i < 100; i++) await isolate.run(script);
  const [rss, threads] = [status("VmRSS"), status("Threads")];
  for (let i = 0; i < 200; i++) await isolate.run(script);
  t.ok(status("VmRSS") - rss < 20_000, `${status("VmRSS") - rss} kB more`);
  t.ok(status("Threads") - threads <= 1);
});
