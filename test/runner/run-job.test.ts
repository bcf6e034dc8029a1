import { readFileSync } from "node:fs";
import t from "tap";
import type { EgressProfile } from "#contract/profile.ts";
import type { JobOffer, JobReport } from "#contract/runner.ts";
import { AppError } from "#kernel/errors.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import type { EngineClient } from "../../src/runner/engine-client.ts";
import type { EngineNeeds } from "../../src/runner/engine-pool.ts";
import { createRunnerProcesses, type RunnerProcesses } from "../../src/runner/processes.ts";
import { runJob } from "../../src/runner/run-job.ts";
import { NOISE_KEY } from "../engine/session/profile.ts";

const profile: EgressProfile = loadPolicyBundle("policies").profiles.get("controlled")!;
const MEMORY = 512 * 1024 * 1024;

const offer = (job: Partial<JobOffer["job"]>, limits: Partial<JobOffer["limits"]> = {}): JobOffer => ({
  kind: "job",
  lease: "lease_1",
  job: {
    id: "job_1",
    image: job.script === undefined ? "sql@1" : "javascript@1",
    imageDigest: `sha256:${"0".repeat(64)}`,
    parameters: {},
    mode: "run",
    class: "interactive",
    submittedAtMs: 1_700_000_000_000,
    ...job,
  },
  scenario: { id: "town", visibility: "aggregates", joins: [], products: [] },
  profile,
  noiseKey: NOISE_KEY,
  limits: { wallMs: 20_000, memoryBytes: MEMORY, maxRows: 1000, maxBytes: 1_000_000, ...limits },
});
const kinds = ({ events }: JobReport) => events.map((event) => event.kind);
const script = (text: string) => ({ script: text });
const OK = script('output.json("answer", 42);');

const run = async (processes: RunnerProcesses, wanted: JobOffer, cancel?: AbortSignal) =>
  (await runJob({ offer: wanted, processes, cancel: cancel ?? new AbortController().signal })).report;

let processes: RunnerProcesses;
t.before(() => {
  processes = createRunnerProcesses({ confinement: "process", threads: 1, memoryBytes: MEMORY, idleLimit: 2 });
});

t.test("a script that never ends is ended by the wall clock, and security staff see by what", async (t) => {
  const report = await run(processes, offer(script("for (;;);"), { wallMs: 300 }));
  t.match(report, { state: "failed", reasonCode: "timeout" });
  t.strictSame(kinds(report), ["limit.hit", "process.killed", "process.killed"]);
  t.match(report.events[0], { details: { limit: "wall_time", configured: 300 } });
  t.ok(report.usage.cpuMs >= 10 && report.usage.cpuMs < 60_000, "its loop has been metered");
  const honest = await run(processes, offer(OK));
  t.match(honest, { state: "succeeded" }, "the next job has processes of its own");
  t.ok(honest.usage.peakMemoryBytes > 1e7 && honest.usage.bytes === 2);
});

t.test("a script that needs too much memory fails with its own code", async (t) => {
  const report = await run(processes, offer(script("const kept = []; for (;;) kept.push(new Array(1e5).fill(1));")));
  t.match(report, { state: "failed", reasonCode: "memory_limit" });
  t.match(report.events, [{ kind: "limit.hit", details: { limit: "memory" } }]);
});

t.test(
  "an image with just-in-time compilation is there only where memory is limited, in processes of its own",
  async (t) => {
    const wanted = offer({ ...script('output.json("answer", 42);'), image: "javascript-jit@1" });
    t.match(await run(processes, wanted), { state: "failed", reasonCode: "image_refused", statements: [] });
    t.match(await run(processes, offer({ ...OK, image: "javascript@9" })), { reasonCode: "image_refused" });
    const limited = createRunnerProcesses({
      confinement: "process",
      threads: 1,
      memoryBytes: MEMORY,
      idleLimit: 2,
      memoryIsLimited: true,
    });
    t.teardown(() => limited[Symbol.asyncDispose]());
    t.match(await run(limited, wanted), { state: "succeeded" });
    const [compiled, plain] = await Promise.all(
      ["javascript-jit@1", "javascript@1"].map(async (image) => limited.isolatesOf(image)?.acquire("town")),
    );
    const commandOf = (isolate: typeof plain) => readFileSync(`/proc/${isolate?.process.pid}/cmdline`, "utf8");
    t.notMatch(commandOf(compiled), "--jitless");
    t.match(commandOf(plain), "--jitless");
  },
);

t.test("validating a script compiles it and runs none of it", async (t) => {
  const validate = (text: string) => offer({ ...script(text), mode: "validate" });
  t.match(await run(processes, validate("for (;;);")), { state: "succeeded", statements: [], outputs: [] });
  const wrong = await run(processes, validate("const a = 1;\nconst = 2;"));
  t.match(wrong, { state: "failed", reasonCode: "script_error", reason: /SyntaxError.*line 2/s });
});

t.test("a cancelled job ends its processes", async (t) => {
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(), 200);
  const report = await run(processes, offer(script("for (;;);")), cancel.signal);
  t.match(report, { state: "cancelled", reasonCode: "cancelled" });
  t.match(report.events, [{ kind: "process.killed", details: { by: "cancel" } }]);
});

t.test("a job that was cancelled before it began starts nothing", async (t) => {
  t.match(await run(processes, offer(OK), AbortSignal.abort()), { state: "cancelled", events: [] });
});

t.test("a process that crashes under its job fails that job alone", async (t) => {
  const isolates = processes.isolatesOf("javascript@1")!;
  const isolate = await isolates.acquire("town");
  const pid = isolate.process.pid!;
  isolates.release("town", isolate);
  const hanging = run(processes, offer(script("for (;;);")));
  const busy = () => Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")[11]);
  for (const before = busy(); busy() < before + 20;) await new Promise((resolve) => setTimeout(resolve, 20));
  const honest = run(processes, offer(OK));
  process.kill(pid, "SIGSEGV");
  const report = await hanging;
  t.match(report, { state: "failed", reasonCode: "crashed" });
  t.match(report.events, [{ kind: "process.crashed", details: { process: "isolate", signal: "SIGSEGV" } }]);
  t.match(await honest, { state: "succeeded" });
});

t.test("an engine that hangs under a query is ended by the wall clock, and the query is in the record", async (t) => {
  const engine = await heldEngine();
  process.kill(engine.process.pid!, "SIGSTOP");
  const report = await run(processes, offer({ sql: "SELECT 1 AS one" }, { wallMs: 300 }));
  const statements = [{ statement: 1, sql: "SELECT 1 AS one", unfinished: true }];
  t.match(report, { state: "failed", reasonCode: "timeout", statements });
});

t.test("a script whose engine ends gets no answer, and the job ends", async (t) => {
  const engine = await heldEngine();
  process.kill(engine.process.pid!, "SIGSTOP");
  const running = run(processes, offer(script('await sql("SELECT 1 AS one");')));
  setTimeout(() => process.kill(engine.process.pid!, "SIGKILL"), 500);
  const statements = [{ statement: 1, sql: "SELECT 1 AS one", unfinished: true }];
  t.match(await running, { state: "failed", reasonCode: "memory_limit", statements });
});

/** The engine that the next job will get. */
async function heldEngine() {
  const { scenario, limits } = offer(OK);
  const needs = { scenario, memoryBytes: limits.memoryBytes };
  const engine = await processes.engines.acquire(needs);
  processes.engines.release(needs, engine);
  return engine;
}

t.test("a job whose engine cannot start is tried once more, then it is the runner's fault", async (t) => {
  let faults = 1;
  const engines = {
    acquire: async (needs: EngineNeeds) => {
      if (faults-- > 0) throw new AppError("process_failed");
      return processes.engines.acquire(needs);
    },
    release: (needs: EngineNeeds, engine: EngineClient) => processes.engines.release(needs, engine),
  };
  const faulty = { ...processes, engines } as RunnerProcesses;
  t.match(await run(faulty, offer(OK)), { state: "succeeded" });
  faults = 2;
  t.match(await run(faulty, offer(OK)), { state: "failed", reasonCode: "runner_fault" });
});

// the last one: with processes left, the test's own would not end
t.test("all processes are gone in the end", async (t) => {
  const engine = await heldEngine();
  await processes[Symbol.asyncDispose]();
  await engine.process.ended;
  t.throws(() => process.kill(engine.process.pid!, 0), { code: "ESRCH" });
});
