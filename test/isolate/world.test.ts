import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { makeProgram, NOW_MS, startIsolate } from "./supervisor.ts";

const program = makeProgram();
const isolate = await startIsolate(program.entry, { env: { CANARY: "canary-in-environment", TZ: "Asia/Tokyo" } });
t.teardown(async () => {
  await isolate[Symbol.asyncDispose]();
  program.remove();
});

async function value(expression: string, options = {}): Promise<unknown> {
  const { outputs, done } = await isolate.run(`output.json('v', ${expression})`, options);
  if (done?.ok !== true) throw new Error(done?.message);
  return JSON.parse(outputs[0]?.text ?? "");
}

t.test("what can hold memory outside the limit, block or tell the machine is not there", async (t) => {
  const names = [
    "WebAssembly",
    "SharedArrayBuffer",
    "Atomics",
    "FinalizationRegistry",
    "WeakRef",
    "Intl",
    "Temporal",
    "DisposableStack",
    "AsyncDisposableStack",
    "process",
    "module",
    "Buffer",
    "setTimeout",
    "setInterval",
    "setImmediate",
    "queueMicrotask",
    "fetch",
    "performance",
    "global",
    "gc",
    "ShadowRealm",
    "structuredClone",
    "navigator",
    "_ivm",
    "$0",
    "hostLog",
    "deliver",
    "run",
  ];
  t.same(
    await value(
      `${JSON.stringify(names)}.filter((name) => { try { return eval('typeof ' + name) !== 'undefined' } catch { return true } })`,
    ),
    [],
  );
  const methods = [
    "''.normalize",
    "''.localeCompare",
    "''.toLocaleUpperCase",
    "''.toLocaleLowerCase",
    "(1).toLocaleString",
    "1n.toLocaleString",
    "[].toLocaleString",
    "({}).toLocaleString",
    "new Uint8Array().toLocaleString",
    "new Date().toLocaleString",
    "new Date().toLocaleDateString",
    "new Date().toLocaleTimeString",
    "new ArrayBuffer(1).resize",
    "new ArrayBuffer(1).transfer",
    "new ArrayBuffer(1).transferToFixedLength",
  ];
  for (const method of methods) t.equal(await value(`typeof ${method}`), "undefined", method);
});

t.test("no way to an ArrayBuffer makes a resizable one", async (t) => {
  for (const make of [
    "new ArrayBuffer(1, { maxByteLength: 8 })",
    "new (new Uint8Array(1).buffer.constructor)(1, { maxByteLength: 8 })",
    "Reflect.construct(ArrayBuffer, [1, { maxByteLength: 8 }])",
    "new (class extends ArrayBuffer {})(1, { maxByteLength: 8 })",
    "new ArrayBuffer.prototype.constructor(1, { maxByteLength: 8 })",
    "new ArrayBuffer[Symbol.species](1, { maxByteLength: 8 })",
    "new ArrayBuffer(4).slice(1, 2)",
  ]) {
    t.same(
      await value(`(b => [b.resizable, b.byteLength, b.maxByteLength, b instanceof ArrayBuffer])(${make})`),
      [false, 1, 1, true],
      make,
    );
  }
  t.equal(await value("(() => { try { ArrayBuffer(1) } catch (e) { return e.name } })()"), "TypeError");
  t.same(
    await value(
      "[ArrayBuffer.name, ArrayBuffer.length, ArrayBuffer.isView(new Uint8Array()), new Uint8Array([1, 2]).buffer.byteLength]",
    ),
    ["ArrayBuffer", 1, true, 2],
  );
});

t.test("every way to ask for the time answers the job's instant, in UTC", async (t) => {
  const ways = [
    "Date.now()",
    "new Date().getTime()",
    "+new Date",
    "Date.parse(new Date().toISOString())",
    "Reflect.construct(Date, []).getTime()",
    "new (class extends Date {})().getTime()",
    "new Date.prototype.constructor().getTime()",
    "new (new Date().constructor)().getTime()",
    "Reflect.construct(Object.getPrototypeOf(class extends Date {}), []).getTime()",
    "new (Date.bind())().getTime()",
    "Reflect.construct(Date, [], Array) && Date.now()",
    "new Date(Date.now()).valueOf()",
  ];
  for (const way of ways) t.equal(await value(way), NOW_MS, way);
  t.equal(await value("Date()"), "Mon Nov 23 2026 08:30:00 GMT+0000 (Coordinated Universal Time)");
  t.equal(await value("Date.call(null) === Date() && Date(1, 2) === Date()"), true);
  t.equal(await value("new Date(2020, 0, 1).toISOString()"), "2020-01-01T00:00:00.000Z");
  t.equal(await value("new Date('2020-05-06T00:00:00').getTimezoneOffset()"), 0);
  t.same(
    await value(
      "[Date.length, Date.name, Date.UTC(1970), new Date(NaN).getTime(), new Date(undefined).getTime(), new Date(5).getTime()]",
    ),
    [7, "Date", 0, null, null, 5],
  );
  t.equal(await value("(() => { const t = Date.now(); for (let i = 0; i < 1e5; i++); return Date.now() - t })()"), 0);
});

t.test("equal seed and time give equal bytes, another seed others", async (t) => {
  const script = `output.json('r', [Array.from({ length: 100 }, Math.random), new Date(), Object.keys({ b: 1, a: 2 }), new Error('e').stack]);
    console.log(Math.random(), new Map([[Math.random(), Symbol('x')]])); output.table('t', [{ x: Math.random() }])`;
  const first = await isolate.run(script, { seed: 7 });
  const fresh = await startIsolate(program.entry);
  t.teardown(() => fresh[Symbol.asyncDispose]());
  const second = await fresh.run(script, { seed: 7 });
  const third = await fresh.run(script, { seed: 8 });
  t.same(second.outputs, first.outputs);
  t.same(second.log, first.log);
  t.notSame(third.outputs, first.outputs);
  t.notSame((await fresh.run(script, { seed: 7 + 2 ** 32 })).outputs, first.outputs);
});

t.test("Math.random is spread evenly over [0, 1)", async (t) => {
  const [low, high, mean, filled] = (await value(
    `((n) => { const x = Array.from({ length: n }, Math.random); const bins = new Set(x.map((v) => Math.floor(v * 100)));
      return [Math.min(...x), Math.max(...x), x.reduce((a, b) => a + b) / n, bins.size] })(20000)`,
  )) as [number, number, number, number];
  t.ok(low >= 0 && high < 1);
  t.ok(Math.abs(mean - 0.5) < 0.01);
  t.equal(filled, 100);
});

t.test("the globals of the image cannot be replaced", async (t) => {
  for (const name of ["sql", "output", "console", "parameters"]) {
    t.equal(await value(`(() => { try { globalThis.${name} = 1 } catch (e) { return e.name } })()`), "TypeError", name);
  }
  t.equal(await value("(() => { try { output.table = 1 } catch (e) { return e.name } })()"), "TypeError");
});

t.test("replaced intrinsics fool the script alone", async (t) => {
  const script = `const seen = [];
    const spy = (object, name) => { const own = object[name]; object[name] = function (...a) { seen.push(name); return Reflect.apply(own, this, a) } };
    for (const [o, n] of [[Function.prototype, 'call'], [Function.prototype, 'apply'], [Array.prototype, 'map'], [Array.prototype, 'push'],
      [JSON, 'parse'], [JSON, 'stringify'], [String.prototype, 'slice'], [String.prototype, 'indexOf'], [RegExp.prototype, 'exec'],
      [Map.prototype, 'get'], [Set.prototype, 'has'], [WeakMap.prototype, 'get'], [Object, 'freeze'], [Object, 'keys'], [Reflect, 'apply']]) spy(o, n);
    Reflect.apply = null; Promise.prototype.then = Array.prototype[Symbol.iterator] = null; seen.length = 0;
    const r = await sql\`select \${'x'}\`; console.log('%s', 'y', { a: 1 }); output.table('t', [[1n]]); output.json('seen', seen);`;
  const { done, outputs, log } = await isolate.run(script);
  t.equal(done?.ok, true, done?.message ?? "");
  t.same(JSON.parse(outputs[1]?.text ?? ""), []);
  t.match(log, [{ text: "y {a: 1}" }]);
});

t.test("caps hold against a script that redefines numbers, arrays and accessors", async (t) => {
  const { log, queries } = await isolate.run(
    `Object.defineProperty(Object.prototype, 'logLines', { get: () => 1e9 }); Object.defineProperty(Array.prototype, '0', { set() {}, get: () => 'x' });
     Number.prototype.valueOf = () => 0; String.prototype.valueOf = () => '';
     for (let i = 0; i < 100; i++) console.log('l' + i); for (let i = 0; i < 50; i++) sql('select 1').catch(() => 0)`,
    { limits: { logLines: 5, queries: 6, queriesInFlight: 2 } },
  );
  t.ok(log.length <= 6);
  t.ok(queries.length <= 6);
});

t.test("stack traces name the script and the bootstrap, and no file of this machine", async (t) => {
  const { raw, done } = await isolate.run(
    `Error.prepareStackTrace = (e, frames) => frames.map((f) => [f.getFileName(), f.getFunctionName(), typeof f.getThis(), typeof f.getFunction(), f.getEvalOrigin && f.getEvalOrigin(), f.getScriptNameOrSourceURL()]);
     const at = [new Error('a').stack]; try { await sql('x') } catch (e) { at.push(e.stack) }
     try { await import('node:fs') } catch (e) { at.push(e.message, e.stack) } try { null.x } catch (e) { at.push(e.stack) }
     output.json('at', at); throw new Error('end')`,
    { answer: () => ({ code: "query_error", message: "no" }) },
  );
  t.equal(done?.code, "script_error");
  t.notMatch(raw, /\/|file:|node_modules|isolate\.js|world\.|host\./);
});

t.test("environment, files and host objects are out of reach", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "isolate-canary-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const canary = join(directory, "canary.txt");
  writeFileSync(canary, "canary-in-file");
  const attempts = [
    "this.constructor.constructor('return process')().env.CANARY",
    "sql.constructor('return process')().env.CANARY",
    "console.log.constructor.constructor('return globalThis.process.env')()",
    `(await import(${JSON.stringify(canary)})).default`,
    `require('fs').readFileSync(${JSON.stringify(canary)}, 'utf8')`,
    "(await sql('x')).constructor.constructor('return process')().env",
    "(() => { try { output.table() } catch (e) { return e.constructor.constructor('return process')().env } })()",
  ];
  for (const attempt of attempts) {
    const { raw, done } = await isolate.run(`output.json('got', ${attempt})`);
    t.equal(done?.code, "script_error", attempt);
    t.notMatch(raw, /canary-in|isolate-program/, attempt);
  }
});
