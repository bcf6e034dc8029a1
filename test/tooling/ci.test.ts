import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";

/** The real `.ci/run` over a make file of two lines: what it prints last, and its status. */
function runCi(t: { teardown(fn: () => void): void }, recipes: { check: string; test: string }) {
  const directory = mkdtempSync(join(tmpdir(), "sluice-ci-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  cpSync(".ci", join(directory, ".ci"), { recursive: true });
  writeFileSync(join(directory, "Makefile"), `check:\n\t@${recipes.check}\ntest:\n\t@${recipes.test}\n`);
  const { stdout, status } = spawnSync(join(directory, ".ci/run"), { encoding: "utf8" });
  return { last: stdout.trimEnd().split("\n").at(-1), status, stdout };
}

/** A recipe that leaves these sums and ends like the test runner does. */
function results(passed: number, failed: number, skipped = 0): string {
  const json = JSON.stringify({ passed, failed, skipped });
  return `mkdir -p build; echo '${json}' >build/test-results.json; exit ${failed > 0 ? 1 : 0}`;
}

t.test("the last line of .ci/run has the sums, the status says whether all is well", async (t) => {
  t.match(runCi(t, { check: "true", test: results(12, 0) }), { last: "12 passed, 0 failed", status: 0 });
  t.match(runCi(t, { check: "true", test: results(12, 0, 3) }), { last: "12 passed, 0 failed, 3 skipped", status: 0 });
  t.match(runCi(t, { check: "true", test: results(12, 2) }), { last: "12 passed, 2 failed", status: 1 });
});

t.test("a failed check, and tests that did not run, count as failures", async (t) => {
  t.match(runCi(t, { check: "exit 3", test: results(12, 0) }), { last: "12 passed, 1 failed", status: 1 });
  t.match(runCi(t, { check: "true", test: "exit 1" }), { last: "0 passed, 1 failed", status: 1 });
  t.match(runCi(t, { check: "true", test: "true" }), { last: "0 passed, 1 failed", status: 1 });
  t.match(runCi(t, { check: "exit 3", test: "exit 1" }), { last: "0 passed, 2 failed", status: 1 });
});

t.test("PostgreSQL is required there, and nobody is asked anything", async (t) => {
  const { stdout } = runCi(t, {
    check: "cat",
    test: `echo "CI=$$CI postgres=$$SLUICE_REQUIRE_POSTGRES"; ${results(1, 0)}`,
  });
  t.match(stdout, /CI=true postgres=./);
});
