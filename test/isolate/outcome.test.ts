import t from "tap";
import { makeProgram, startIsolate } from "./supervisor.ts";

const program = makeProgram();
const isolate = await startIsolate(program.entry);
t.teardown(async () => {
  await isolate[Symbol.asyncDispose]();
  program.remove();
});

t.test("errors are reported with the script's own lines and columns", async (t) => {
  const cases: [string, number | undefined, RegExp][] = [
    ["throw new Error('boom')", 1, /^Error: boom\n {4}at script\.js:1:7$/],
    ["\n\n  null.x", 3, /^TypeError: .*\n {4}at script\.js:3:8$/s],
    [
      "function f() {\n  throw new RangeError('r');\n}\nf()",
      2,
      /^RangeError: r\n {4}at script\.js:2:9\n {4}at script\.js:4:1$/,
    ],
    ["await null;\nthrow new Error('late')", 2, /^Error: late\n/],
    ["let x = ;", 1, /^SyntaxError: Unexpected token ';'\n {4}at script\.js:1:9$/],
    ["\n\nlet y = );", 3, /^SyntaxError: /],
    ["import fs from 'fs'", 1, /^SyntaxError: /],
    ["}); (async () => {", undefined, /^SyntaxError: The script is not complete in itself$/],
    ["\nPromise.reject(new Error('lost'))", 2, /nobody handled it: Error: lost$/],
    ["Promise.reject('text')", undefined, /nobody handled it: text$/],
    ["throw 'text'", undefined, /^Thrown: "text"$/],
    ["throw { get message() { return 1 } }", undefined, /^Thrown: \{message: \[Getter\]\}$/],
    ["throw undefined", undefined, /^Thrown: undefined$/],
    ["throw null", undefined, /^Thrown: null$/],
    [
      "throw new Proxy({}, { ownKeys() { throw 1 }, getPrototypeOf() { throw 1 } })",
      undefined,
      /cannot be shown|^Thrown/,
    ],
    [
      "const e = new Error('m'); Object.defineProperty(e, 'message', { get() { throw e } }); throw e",
      undefined,
      /cannot be shown/,
    ],
    ["throw new Error('x'.repeat(1e5))", undefined, /^Error: x+$/],
    ["(function f() { f() })()", 1, /^RangeError: Maximum call stack size exceeded/],
    ["await import('node:fs')", 1, /Not supported/],
    ["await new Promise(() => {})", undefined, /waits for a promise that nothing can settle/],
    ["console.log(notDefined)", 1, /^ReferenceError: notDefined is not defined/],
    ["undeclared = 1", 1, /^ReferenceError: /],
  ];
  for (const [script, line, message] of cases) {
    const { done } = await isolate.run(script);
    t.equal(done?.ok, false, script);
    t.equal(done?.code, "script_error", script);
    t.equal(done?.line, line, script);
    t.match(done?.message, message, script);
    t.ok((done?.message?.length ?? 0) <= 2000, script);
  }
});

t.test("a script may return early and may end with a comment", async (t) => {
  for (const script of [
    "return; throw 1",
    "return 5",
    "// nothing",
    "/* nothing */",
    "",
    "if (true) { return }\nthrow 1",
    "await null",
  ]) {
    t.equal((await isolate.run(script)).done?.ok, true, script);
  }
});

t.test("memory beyond the limit ends the job and not the process", async (t) => {
  const limits = { memoryMb: 16 };
  const heap = await isolate.run("const a = []; for (;;) a.push({ i: a.length })", { limits });
  t.equal(heap.done?.code, "memory_limit");
  const buffers = await isolate.run("const a = []; for (;;) a.push(new Uint8Array(1 << 20))", { limits });
  t.equal(buffers.done?.code, "memory_limit");
  t.equal((await isolate.run("output.json('ok', 1)")).done?.ok, true);
});

t.test("nothing of one run is left in the next", async (t) => {
  await isolate.run("globalThis.left = 1; Array.prototype.left = 1; Object.prototype.left = 1");
  const { outputs } = await isolate.run("output.json('left', [typeof left, typeof [].left, typeof ({}).left])");
  t.equal(outputs[0]?.text, '["undefined","undefined","undefined"]');
});

t.test("answers that cross the end of their run are dropped", async (t) => {
  const answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { code: "query_error", message: "late" };
  };
  const early = await isolate.run("sql`select 1`; throw new Error('early')", { answer });
  t.match(early.done, { code: "script_error", message: /^Error: early/ });
  const next = await isolate.run("output.json('a', (await sql`select 1`).length)");
  t.equal(next.outputs[0]?.text, "2");
});
