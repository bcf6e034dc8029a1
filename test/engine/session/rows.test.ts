import t from "tap";
import { ask, openTown, rowsOf } from "./town-session.ts";
import { PROFILE } from "./profile.ts";

const session = await openTown({ visibility: "rows" });
t.teardown(() => session[Symbol.asyncDispose]());

t.test("where rows may be seen, a row-level statement runs, raises the label and releases nothing", async (t) => {
  const { answer, parts } = await session.query(
    ask("SELECT district, income FROM residents WHERE income > 50000 ORDER BY income LIMIT 5"),
  );
  t.match(answer, { label: "row_level", ran: true, facts: { label: "row_level", reviewBy: ["G2"] } });
  t.equal(parts[1]!.byteLength, 0, "no part may leave");
  t.equal(rowsOf(parts).length, 5);
  t.match(answer.findings, [{ code: "rows_not_aggregated", effect: "review" }]);
});

t.test("a statement of the safe form is answered as safe there too", async (t) => {
  const { answer } = await session.query(ask("SELECT district, count(*) FROM residents GROUP BY 1"));
  t.match(answer, { label: "safe", facts: { suppressedBy: ["R1"] } });
});

t.test("what is outside the closed world never runs, and subject keys are never selected", async (t) => {
  const refused: [string, string][] = [
    ["SELECT hash(name) FROM residents", "function_refused"],
    ["SELECT * FROM range(5)", "table_function_refused"],
    ["SELECT current_setting('threads')", "function_refused"],
    ["SELECT person, income FROM residents", "subject_key_output"],
    ["SELECT * FROM residents", "subject_key_output"],
    ["SELECT max(person) FROM residents", "subject_key_output"],
    ["SELECT person + 1 AS p FROM visits", "subject_key_output"],
    ["WITH a AS (SELECT person FROM visits) SELECT * FROM a", "subject_key_output"],
    ["SELECT person FROM visits UNION ALL SELECT 1", "subject_key_output"],
    ["SELECT residents FROM residents", "subject_key_output"],
  ];
  for (const [sql, code] of refused) {
    await t.rejects(session.query(ask(sql)), { code: "plan_refused", findings: [{ code }] }, sql);
  }
  const joined = "SELECT r.district, v.cost FROM residents r JOIN visits v ON r.person = v.person LIMIT 3";
  t.match((await session.query(ask(joined))).answer, { label: "row_level" });
});

t.test("a run-time error is a code without text", async (t) => {
  const error = await session.query(ask("SELECT CAST(name AS INTEGER) FROM residents")).catch((e: unknown) => e);
  t.match(error, { code: "query_error", findings: [], message: "query_error" });
});

t.test("a grade above the profile's ceiling blocks, in every form", async (t) => {
  const profile = { ...PROFILE, maxGrade: { value: "L1" as const, basis: "test" } };
  for (const sql of [
    "SELECT count(*), avg(income) FROM residents",
    "SELECT income FROM residents",
    "SELECT region FROM districts",
  ]) {
    const { answer, parts } = await session.query(ask(sql, profile));
    t.same(answer.facts.blockedBy, ["R28"], sql);
    t.equal(parts[1]!.byteLength + parts[2]!.byteLength, 0, "nothing is shown");
    t.equal(answer.output.rows, 0);
  }
});
