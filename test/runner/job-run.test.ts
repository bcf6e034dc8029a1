import fc from "fast-check";
import t from "tap";
import type { QueryAnswer } from "#contract/engine.ts";
import { combineFacts, createJobRun, jobReport, noteAnswer } from "../../src/runner/job-run.ts";

const label = fc.constantFrom("safe" as const, "row_level" as const);
const rules = fc.uniqueArray(fc.constantFrom("R1", "R5", "R19", "R20"));
const factsOf = fc.record({
  label: label,
  cells: fc.nat(100),
  suppressedCells: fc.nat(10),
  blockedBy: rules,
  reviewBy: rules,
  suppressedBy: rules,
  maxGrade: fc.constantFrom("L1", "L2", "L3", "L4"),
  products: fc.uniqueArray(fc.constantFrom("people", "visits")),
});

function answerOf(facts: QueryAnswer["facts"], statement: number): QueryAnswer {
  const output = { name: "r", kind: "table" as const, rows: 1, bytes: 1, columns: [], suppressed: 0 };
  const evidence = { statement, sql: "", label: facts.label, findings: [], columns: [], cells: [], truncated: false };
  return {
    id: 1,
    ok: true,
    op: "query",
    ran: true,
    label: facts.label,
    findings: [],
    facts,
    output,
    evidence,
    stages: {},
  };
}

t.test("labels only rise, and a row-level job has no releasable bytes", async () => {
  fc.assert(
    fc.property(fc.array(factsOf, { maxLength: 8 }), (all) => {
      const run = createJobRun(0);
      let seenRows = false;
      for (const [index, facts] of all.entries()) {
        noteAnswer(run, answerOf(facts, index + 1));
        run.facts.push(facts);
        seenRows ||= facts.label === "row_level";
        if ((run.label === "row_level") !== seenRows) return false;
      }
      const descriptor = { name: "x", kind: "table" as const, rows: 1, bytes: 1, columns: [], suppressed: 0 };
      run.outputs.push({ descriptor, quarantine: 0, release: 1 });
      const report = jobReport(run, { state: "succeeded" }, "process");
      return report.outputs.every((output) => (output.release === undefined) === seenRows);
    }),
  );
});

t.test("facts of a job are the worst of what its inputs brought along", async () => {
  fc.assert(
    fc.property(fc.array(factsOf, { minLength: 1, maxLength: 8 }), (all) => {
      const run = createJobRun(0);
      run.facts.push(...all);
      const facts = combineFacts(run);
      const has = (pick: "blockedBy" | "reviewBy" | "suppressedBy") =>
        all.flatMap((each) => each[pick]).every((rule) => facts[pick].includes(rule));
      return (
        has("blockedBy") &&
        has("reviewBy") &&
        has("suppressedBy") &&
        all.every((each) => each.maxGrade <= facts.maxGrade) &&
        facts.suppressedCells >= Math.max(...all.map((each) => each.suppressedCells))
      );
    }),
  );
});

t.test("a job that failed or was cancelled leaves no output", async (t) => {
  const run = createJobRun(0);
  const descriptor = { name: "x", kind: "table" as const, rows: 1, bytes: 1, columns: [], suppressed: 0 };
  run.outputs.push({ descriptor, quarantine: 0, release: 1 });
  t.strictSame(jobReport(run, { state: "failed", reasonCode: "timeout" }, "process").outputs, []);
  t.strictSame(jobReport(run, { state: "cancelled", reasonCode: "cancelled" }, "process").outputs, []);
});
