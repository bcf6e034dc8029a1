import t from "tap";
import { makeProgram, startIsolate, table } from "./supervisor.ts";

const program = makeProgram();
const isolate = await startIsolate(program.entry);
t.teardown(async () => {
  await isolate[Symbol.asyncDispose]();
  program.remove();
});

async function outputOf(script: string): Promise<unknown> {
  const { outputs, done } = await isolate.run(script);
  if (done?.ok !== true) throw new Error(done?.message);
  return JSON.parse(outputs[0]?.text ?? "");
}

t.test("an untouched result is handed on by the number of its query", async (t) => {
  const { outputs } = await isolate.run(
    "await sql('a'); const r = await sql('b'); output.table('same', r); output.table('copy', r.toArray()); output.table('rows', { columns: r.columns, rows: r.rows })",
    { answer: () => table({ n: "BIGINT" }, [["5"]]) },
  );
  t.same(outputs, [
    { kind: "table", name: "same", query: 2, text: "" },
    { kind: "table", name: "copy", query: undefined, text: '{"columns":[{"name":"n"}],"rows":[[5]]}' },
    { kind: "table", name: "rows", query: undefined, text: '{"columns":[{"name":"n","type":"BIGINT"}],"rows":[[5]]}' },
  ]);
});

t.test("objects, arrays and { columns, rows } become tables", async (t) => {
  t.same(await outputOf("output.table('t', [{ a: 1, b: 'x' }, { b: null, c: true }])"), {
    columns: [{ name: "a" }, { name: "b" }, { name: "c" }],
    rows: [
      [1, "x", null],
      [null, null, true],
    ],
  });
  t.same(await outputOf("output.table('t', [[1, 2], [3, 4]])"), {
    columns: [{ name: "column1" }, { name: "column2" }],
    rows: [
      [1, 2],
      [3, 4],
    ],
  });
  t.same(await outputOf("output.table('t', { columns: ['a'], rows: [] })"), { columns: [{ name: "a" }], rows: [] });
  t.same(
    await outputOf(
      "output.table('t', [{ i: 1n, h: 2n ** 100n, d: new Date(0), m: 1 }, { i: 2, h: 1, d: null, m: 1.5 }])",
    ),
    {
      columns: [
        { name: "i", type: "BIGINT" },
        { name: "h", type: "HUGEINT" },
        { name: "d", type: "TIMESTAMP" },
        { name: "m" },
      ],
      rows: [
        ["1", "1267650600228229401496703205376", "1970-01-01T00:00:00.000Z", 1],
        [2, 1, null, 1.5],
      ],
    },
  );
});

t.test("what is no table or no JSON value is refused", async (t) => {
  const refused = [
    "output.table('t', [])",
    "output.table('t', 5)",
    "output.table('t', null)",
    "output.table('t', [1])",
    "output.table('t', [[1], [1, 2]])",
    "output.table('t', [{ a: {} }])",
    "output.table('t', [{ a: NaN }])",
    "output.table('t', [{ a: () => 1 }])",
    "output.table('t', [{}])",
    "output.table('t', [[1], { a: 1 }])",
    "output.table('t', { columns: ['a', 'a'], rows: [[1, 2]] })",
    "output.table('t', { columns: [''], rows: [] })",
    "output.table('t', { columns: [], rows: [] })",
    "output.table('t', [,])",
    "output.json('j', undefined)",
    "output.json('j', () => 1)",
    "const a = {}; a.a = a; output.json('j', a)",
    "let o = {}; for (let i = 0; i < 3e5; i++) o = { o }; output.json('j', o)",
    "output.json('1a', 1)",
    "output.json('a b', 1)",
    "output.json('', 1)",
    "output.json('../a', 1)",
    "output.json({}, 1)",
    `output.json('${"a".repeat(64)}', 1)`,
    "output.json('a', 1); output.json('a', 2)",
    "output.json('a', 1); output.table('a', [[1]])",
  ];
  for (const script of refused) t.equal((await isolate.run(script)).done?.code, "output_invalid", script);
});

t.test("a refused output may be made again", async (t) => {
  const { done, outputs } = await isolate.run("try { output.table('t', 5) } catch { output.table('t', [[1]]) }");
  t.equal(done?.ok, true);
  t.equal(outputs.length, 1);
});

t.test("number and bytes of outputs are limited", async (t) => {
  const many = await isolate.run("for (let i = 0; ; i++) output.json('o' + i, i)", { limits: { outputs: 3 } });
  t.equal(many.done?.code, "output_invalid");
  t.equal(many.outputs.length, 3);
  const limits = { outputBytes: 1000 };
  for (const script of [
    "output.json('a', 'x'.repeat(999))",
    "output.json('a', '数'.repeat(400))",
    "output.table('a', [['x'.repeat(2000)]])",
    "for (let i = 0; ; i++) output.json('o' + i, 'x'.repeat(300))",
  ]) {
    const { done, outputs } = await isolate.run(script, { limits });
    t.equal(done?.code, "output_too_large", script);
    t.ok(outputs.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) <= 1000);
  }
});

t.test("JSON outputs carry BigInt as text and dates as ISO text", async (t) => {
  t.same(await outputOf("output.json('j', { b: 2n ** 64n, d: new Date(0), u: undefined, l: [undefined, NaN] })"), {
    b: "18446744073709551616",
    d: "1970-01-01T00:00:00.000Z",
    l: [null, null],
  });
});

t.test("console lines are formatted inside and keep their order and level", async (t) => {
  const { log } = await isolate.run(
    `console.log('a', 1, 'b'); console.warn('%s is %d%% of %i and %j %%', 'x', 50, 7.9, { a: 1 }, 'rest');
     console.error(new TypeError('bad')); console.info({ a: { b: { c: { d: { e: 1 } } } }, get g() { throw 1 }, 'k-1': [1n, undefined, null, -0] });
     console.debug(new Date(0), /x/g, new Set([1]), new Map([['k', 'v']]), Symbol('s'), new Uint8Array(2));
     const c = {}; c.c = c; console.log(c); console.log(); console.log('100%', 5);`,
  );
  t.same(log, [
    { level: "log", text: "a 1 b" },
    { level: "warn", text: "x is 50% of 7 and {a: 1} % rest" },
    { level: "error", text: "TypeError: bad\n    at script.js:2:20" },
    { level: "info", text: '{a: {b: {c: {d: [Object]}}}, g: [Getter], "k-1": [1n, undefined, null, -0]}' },
    { level: "debug", text: '1970-01-01T00:00:00.000Z /x/g Set {1} Map {"k" => "v"} Symbol(s) [0, 0]' },
    { level: "log", text: "{c: [Circular]}" },
    { level: "log", text: "" },
    { level: "log", text: "100% 5" },
  ]);
});

t.test("log lines are cut and capped inside", async (t) => {
  const { done, log } = await isolate.run(
    "console.log('数'.repeat(1e6)); for (let i = 0; i < 1e4; i++) console.log(i)",
    {
      limits: { logLines: 10, logLineBytes: 100 },
    },
  );
  t.equal(done?.ok, true);
  t.equal(log.length, 11);
  t.ok(Buffer.byteLength(log[0]?.text ?? "") <= 100);
  t.match(log[0]?.text, /^数+… \(line cut\)$/);
  t.same(log[10], { level: "warn", text: "log limit reached" });
});

t.test("lines are heard though the script then hangs", async (t) => {
  const other = await startIsolate(program.entry);
  const { killed, log } = await other.run("console.log('before'); for (;;);", { wallMs: 500 });
  t.equal(killed, true);
  t.match(log, [{ text: "before" }]);
  await other[Symbol.asyncDispose]();
});
