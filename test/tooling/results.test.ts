import t from "tap";
import { collectResults, type FileResult } from "./results.ts";

function collect(tap: string): { files: FileResult[]; passed: number; failed: number; skipped: number } {
  const files: FileResult[] = [];
  const collector = collectResults((file) => files.push(file));
  // in small pieces, as a pipe delivers it
  for (let i = 0; i < tap.length; i += 7) collector.write(tap.slice(i, i + 7));
  const { passed, failed, skipped } = collector.end();
  return { files, passed, failed, skipped };
}

/** The stream of a run with one test file. */
function run(body: string, closing = "ok 1 - a.test.ts # time=5ms"): string {
  const inner = body.replaceAll(/^(?=.)/gm, "    ");
  return `TAP version 14\n1..1\n# Subtest: a.test.ts\n${inner}\n${closing}\n`;
}

const block = (title: string, body: string, verdict: string) =>
  `# Subtest: ${title}\n${body.replaceAll(/^(?=.)/gm, "    ")}\n${verdict} - ${title}\n`;

t.test("a test is a block, however many assertions it has", async (t) => {
  const body = `${block("one", "ok 1 - a\nok 2 - b\n1..2", "ok 1")}${block("two", "ok 1 - a\n1..1", "ok 2")}1..2`;
  t.match(collect(run(body)), { passed: 2, failed: 0, skipped: 0, files: [{ file: "a.test.ts", timeMs: 5 }] });
});

t.test("a block that only holds blocks is not counted, loose assertions are one test", async (t) => {
  const inner = `${block("inner", "ok 1 - a\n1..1", "ok 1")}1..1`;
  t.match(collect(run(`${block("outer", inner, "ok 1")}1..1`)), { passed: 1, failed: 0 });
  t.match(collect(run("ok 1 - a\nok 2 - b\n1..2")), { passed: 1, failed: 0 });
});

t.test("a failure deep inside is counted once and named in full", async (t) => {
  const inner = `${block("inner", "ok 1 - a\nnot ok 2 - b\n  ---\n  diff: |\n    ok 3 - no result\n  ...\n1..2", "not ok 1")}1..1`;
  const result = collect(run(`${block("outer", inner, "not ok 1")}1..1`, "not ok 1 - a.test.ts"));
  t.match(result, { passed: 0, failed: 1 });
  t.match(result.files[0]?.failures, [{ title: "a.test.ts > outer > inner > b", diagnostics: { diff: /no result/ } }]);
});

t.test("a file that fails although its assertions hold is a failure", async (t) => {
  const closing = "not ok 1 - a.test.ts\n  ---\n  exitCode: 3\n  ...";
  const result = collect(run(`${block("one", "ok 1 - a\n1..1", "ok 1")}1..1`, closing));
  t.match(result, { passed: 1, failed: 1, files: [{ failures: [{ diagnostics: { exitCode: 3 } }] }] });
});

t.test("a file or run without tests is a failure", async (t) => {
  t.match(collect(run("1..0 # no tests found", "ok 1 - a.test.ts # SKIP no tests found")), { passed: 0, failed: 1 });
  t.match(collect("TAP version 14\n1..0\n"), { passed: 0, failed: 1 });
  t.match(collect(""), { passed: 0, failed: 1 });
});

t.test("skipped and deferred tests are neither passed nor failed", async (t) => {
  const body = `${block("one", "ok 1 - a\n1..1", "ok 1")}ok 2 - two # SKIP no database\nok 3 - three # TODO\n1..3`;
  const result = collect(run(body));
  t.match(result, { passed: 1, failed: 0, skipped: 2 });
  t.match(result.files[0]?.skipped, [/two: no database/, /three/]);
  t.match(collect(run("1..0 # no server", "ok 1 - a.test.ts # SKIP no server")), { passed: 0, skipped: 1 });
});

t.test("a run that bails out or is cut off is a failure", async (t) => {
  const whole = run(`${block("one", "ok 1 - a\n1..1", "ok 1")}1..1`);
  t.match(collect(`${whole}Bail out! disk full\n`), { failed: 1 });
  t.match(collect(whole.replace("1..1\n#", "1..2\n#")), { passed: 1, failed: 1 });
});

t.test("what a file prints is kept for the account of its failures", async (t) => {
  const result = collect(run("something odd\nnot ok 1 - a\n1..1", "not ok 1 - a.test.ts"));
  t.match(result.files[0]?.output, /something odd/);
});
