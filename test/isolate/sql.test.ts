import t from "tap";
import { makeProgram, startIsolate, table } from "./supervisor.ts";

const program = makeProgram();
const isolate = await startIsolate(program.entry);
t.teardown(async () => {
  await isolate[Symbol.asyncDispose]();
  program.remove();
});

async function sqlOf(expression: string): Promise<string | undefined> {
  const { queries, done } = await isolate.run(`await ${expression}`);
  if (done?.ok !== true) throw new Error(done?.message);
  return queries[0]?.sql;
}

t.test("values in a template become SQL literals and nothing else", async (t) => {
  const cases: [string, string][] = [
    ["sql`select ${1}`", "select 1"],
    ["sql`select ${-1.5}`", "select (-1.5)"],
    ["sql`select 2 -${-3n}`", "select 2 - (-3)"],
    ["sql`select ${12345678901234567890n}`", "select 12345678901234567890"],
    ["sql`select ${true}, ${false}, ${null}`", "select TRUE, FALSE, NULL"],
    ["sql`select ${\"O'Brien'; --\"}`", "select 'O''Brien''; --'"],
    ['sql`select E${"x\\\\\'"}`', "select E 'x\\'''"],
    ["sql`select ${'a'}${'b'}`", "select 'a' 'b'"],
    ["sql`select ${new Date('2026-01-02T03:04:05.678Z')}`", "select TIMESTAMP '2026-01-02 03:04:05.678'"],
    ["sql`select ${sql.identifier('a\"b')} from t`", 'select "a""b" from t'],
    ["sql('select 1')", "select 1"],
  ];
  for (const [expression, expected] of cases) t.equal(await sqlOf(expression), expected, expression);
});

t.test("a value that has no literal is a TypeError and no query is sent", async (t) => {
  for (const value of [
    "undefined",
    "NaN",
    "1/0",
    "{}",
    "[1]",
    "Symbol()",
    "()=>1",
    "'a\\0b'",
    "'\\ud800'",
    "new Date(NaN)",
    "{toString(){return '1'}}",
  ]) {
    const { done, queries } = await isolate.run(`await sql\`select \${${value}}\``);
    t.equal(done?.code, "script_error", value);
    t.match(done?.message, /^TypeError: /, value);
    t.equal(queries.length, 0);
  }
  for (const call of ["sql()", "sql(1)", "sql('a', 1)", "sql(['a'], 1)", "sql.identifier('')", "sql.identifier(1)"]) {
    t.match((await isolate.run(`await ${call}`)).done?.message, /^TypeError: /, call);
  }
});

t.test("a result is a frozen array of frozen rows, converted by column type", async (t) => {
  const answer = () =>
    table(
      {
        small: "BIGINT",
        large: "HUGEINT",
        money: "DECIMAL(18,2)",
        long: "DECIMAL(38,10)",
        day: "DATE",
        wave: "DOUBLE",
        list: "BIGINT[]",
        nothing: "BIGINT",
        __proto__x: "VARCHAR",
      },
      [
        [
          "42",
          "170141183460469231731687303715884105727",
          "1234.50",
          "12345678901234567890.1234567890",
          "2026-01-31",
          "NaN",
          ["1", "2"],
          null,
          "p",
        ],
      ],
      { suppressed: 2, notes: [{ rule: "R1", message: "cells were suppressed" }] },
    );
  const { done, outputs } = await isolate.run(
    `const r = await sql('x');
     const [row] = r;
     const refused = [() => { r[0] = 1 }, () => { row.small = 1 }, () => { r.push(1) }, () => { r.rows[0][0] = 1 }, () => { r.columns[0].name = 'x' }]
       .map((f) => { try { f(); return 'changed' } catch (e) { return e.name } });
     output.json('r', [Array.isArray(r), r.length, row.small === 42, row.large === 170141183460469231731687303715884105727n,
       row.money === 1234.5, row.long, row.day, Number.isNaN(row.wave), row.list, row.nothing, refused, r.suppressed, r.notes,
       r.columns[1], r.rows[0].length, r.toArray() !== r && Array.isArray(r.toArray()), Object.keys(r)]);`,
    { answer },
  );
  t.equal(done?.ok, true, done?.message ?? "");
  t.same(JSON.parse(outputs[0]?.text ?? ""), [
    true,
    1,
    true,
    true,
    true,
    "12345678901234567890.1234567890",
    "2026-01-31",
    true,
    [1, 2],
    null,
    ["TypeError", "TypeError", "TypeError", "TypeError", "TypeError"],
    2,
    [{ rule: "R1", message: "cells were suppressed" }],
    { name: "large", type: "HUGEINT" },
    9,
    true,
    ["0"],
  ]);
});

t.test("a refused query rejects with its code, and the script may go on", async (t) => {
  const refuse = () => ({ code: "egress_block", message: "The result discloses too much and is blocked" });
  const caught = await isolate.run(
    "try { await sql`select 1` } catch (e) { output.json('e', [e instanceof Error, e.code, e.message, e.name, e.stack]) }",
    { answer: refuse },
  );
  t.equal(caught.done?.ok, true);
  t.same(JSON.parse(caught.outputs[0]?.text ?? ""), [
    true,
    "egress_block",
    "The result discloses too much and is blocked",
    "QueryError",
    "QueryError: The result discloses too much and is blocked\n    at script.js:1:16",
  ]);
  const thrown = await isolate.run("const a = 1;\nawait sql`select 1`", { answer: refuse });
  t.match(thrown.done, { ok: false, code: "egress_block", line: 2 });
});

t.test("a code that the script made up is a script error", async (t) => {
  const { done } = await isolate.run("throw Object.assign(new Error('x'), { code: 'egress_block' })");
  t.equal(done?.code, "script_error");
});

t.test("queries beyond the number in flight wait inside, and all are answered", async (t) => {
  let open = 0;
  let most = 0;
  const answer = async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 2));
    open--;
    return table({ n: "INTEGER" }, [[1]]);
  };
  const { done, queries, outputs } = await isolate.run(
    "const all = await Promise.all(Array.from({ length: 40 }, (_, i) => sql`select ${i}`)); output.json('n', all.length)",
    { answer, limits: { queriesInFlight: 3 } },
  );
  t.equal(done?.ok, true);
  t.equal(queries.length, 40);
  t.equal(most, 3);
  t.equal(outputs[0]?.text, "40");
});

t.test("the number of queries and the length of SQL are limited inside", async (t) => {
  const flood = await isolate.run("for (;;) await sql`select 1`", { limits: { queries: 5 } });
  t.equal(flood.done?.code, "query_limit");
  t.equal(flood.queries.length, 5);
  const long = await isolate.run("await sql('x'.repeat(101))", { limits: { sqlCharacters: 100 } });
  t.equal(long.done?.code, "query_invalid");
  t.equal(long.queries.length, 0);
});

t.test("a query that is not awaited still ends before the script does", async (t) => {
  const { done, outputs } = await isolate.run("sql`select 1`.then((r) => output.table('late', r))");
  t.equal(done?.ok, true);
  t.match(outputs, [{ name: "late", query: 1 }]);
});

t.test("parameters are frozen constants", async (t) => {
  const { done, outputs } = await isolate.run(
    "let error; try { parameters.a = 2 } catch (e) { error = e.name } output.json('p', [parameters, error, Object.isFrozen(parameters)])",
    { parameters: { a: 1, b: "x", c: null, d: true } },
  );
  t.equal(done?.ok, true);
  t.same(JSON.parse(outputs[0]?.text ?? ""), [{ a: 1, b: "x", c: null, d: true }, "TypeError", true]);
});
