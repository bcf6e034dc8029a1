import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { REASON_CODES } from "../../src/contract/job.ts";
import { type IsolateProcess, makeProgram, type RunResult, startIsolate, table } from "./supervisor.ts";

const PAYLOADS = fileURLToPath(new URL("../../../shared/redteam/js", import.meta.url));
const WALL_MS = 5000;
const LANES = 4;
const SKIP = existsSync(PAYLOADS) ? false : "the payloads are not on this machine";
const PRELUDE = "const query = sql; const log = console.log; const emit = (v) => output.json('v', v);\n";

t.setTimeout(110_000);
const program = makeProgram();
const secret = mkdtempSync(join(tmpdir(), "isolate-canary-"));
writeFileSync(join(secret, "canary.txt"), "canary-in-file");
t.teardown(() => {
  program.remove();
  rmSync(secret, { recursive: true, force: true });
});

const pids: number[] = [];
const people = () =>
  table({ id: "BIGINT", name: "VARCHAR", dept: "VARCHAR", salary: "BIGINT", n: "BIGINT" }, [
    ["1", "Lin", "a", "5000", "3"],
    ["2", "Wu", "b", "7001", "4"],
  ]);

async function start(): Promise<IsolateProcess> {
  const env = { CANARY: "canary-in-environment", CANARY_FILE: join(secret, "canary.txt") };
  const isolate = await startIsolate(program.entry, { env, dataBytes: 734_003_200 });
  pids.push(isolate.pid);
  return isolate;
}

interface Tried {
  name: string;
  result: RunResult;
  ms: number;
}

/** One lane: payload after payload, a new process whenever the last one did not survive. */
async function lane(names: string[], tried: Tried[]): Promise<void> {
  let isolate: IsolateProcess | undefined;
  for (let name = names.shift(); name; name = names.shift()) {
    isolate ??= await start();
    const code = readFileSync(join(PAYLOADS, name), "utf8");
    const begun = performance.now();
    // its last expression is its result: whatever it is must become JSON inside
    const script = `${PRELUDE}emit(await eval(${JSON.stringify(code)}))`;
    const result = await isolate.run(script, { wallMs: WALL_MS, answer: people });
    tried.push({ name, result, ms: performance.now() - begun });
    if (result.done) continue;
    await isolate.exit();
    isolate = undefined;
  }
  await isolate?.[Symbol.asyncDispose]();
}

t.test(
  "every payload ends with a code or is killed, and nothing of the host comes out",
  { skip: SKIP, timeout: 100_000 },
  async (t) => {
    const names = readdirSync(PAYLOADS).filter((name) => name.endsWith(".js"));
    const tried: Tried[] = [];
    await Promise.all(Array.from({ length: LANES }, () => lane(names, tried)));
    for (const { name, result, ms } of tried) {
      const { done } = result;
      const ended = done === undefined ? "process ended" : done.ok ? "ok" : (done.code ?? "");
      t.ok(
        done === undefined || done.ok || Object.hasOwn(REASON_CODES, ended),
        `${name}: ${ended} after ${Math.round(ms)} ms`,
      );
      t.ok(ms < WALL_MS + 1500, name);
      t.notMatch(
        result.raw,
        /canary-in|isolate-program|isolate-canary|node_modules|file:\/\/|\/src\/|\/usr\/|object process/,
        name,
      );
      t.ok(result.log.length <= 1001 && result.outputs.length <= 64 && result.queries.length <= 1000, name);
    }
    for (const pid of pids) t.equal(existsSync(`/proc/${pid}`), false, `process ${pid} is gone`);
  },
);

t.test(
  "each escape payload is caught inside and leaves the process alive",
  { skip: SKIP, timeout: 100_000 },
  async (t) => {
    await using isolate = await start();
    for (const name of readdirSync(PAYLOADS).filter((file) => /^E(?!13)/.test(file))) {
      const code = readFileSync(join(PAYLOADS, name), "utf8");
      const { done, killed } = await isolate.run(`${PRELUDE}emit(await eval(${JSON.stringify(code)}))`, {
        answer: people,
      });
      t.ok(done && !killed, name);
    }
  },
);
