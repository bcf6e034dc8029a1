import t from "tap";
import { judgeForm, REFUSALS } from "#engine/gate/index.ts";
import { ACCEPTED, ROUNDED, REFUSED } from "./cases.ts";
import { CATALOGUE, createEmpty, openConnection } from "./town.ts";

const planning = await openConnection(createEmpty);
t.teardown(() => planning.closeSync());
const judge = (sql: string) =>
  judgeForm(planning, { sql, parameters: {}, visibility: "aggregates", catalogue: CATALOGUE });

t.test("what analysts write is accepted in the form that it has", async (t) => {
  for (const { sql, form } of [...ACCEPTED, ...ROUNDED]) {
    const decision = await judge(sql);
    t.equal(decision.form, form, `${sql} ${decision.form === "refused" ? JSON.stringify(decision.finding) : ""}`);
  }
});

t.test("what cannot be judged or released is refused with its code, place and a way out", async (t) => {
  for (const { sql, code, at } of REFUSED) {
    const decision = await judge(sql);
    if (decision.form !== "refused") {
      t.fail(`${sql} was taken as ${decision.form}`);
      continue;
    }
    t.equal(decision.finding.code, code, sql);
    t.ok(decision.finding.suggestion, `${sql} has a suggestion`);
    const { rule, construct, position } = decision.finding;
    // what a macro of the engine, or a star, is made of stands nowhere in the text
    const isWhole = /^SELECT (\*|geomean)/.test(sql);
    if (rule === "G2") t.ok(construct && (position !== undefined || isWhole), `${sql} names what is refused and where`);
    if (at !== undefined) t.equal(decision.finding.position, sql.indexOf(at), `${sql} points at ${at}`);
  }
});

t.test("every refusal code but the protective ones occurs in a case", async (t) => {
  const seen = new Set(REFUSED.map((one) => one.code));
  const elsewhere = [
    "sql_too_long",
    "parameter_unused",
    "subject_key_output",
    "subject_key_missing",
    "table_refused",
    "expression_refused",
    "post_form_refused",
  ];
  t.same(
    Object.keys(REFUSALS).filter((code) => !seen.has(code) && !elsewhere.includes(code)),
    [],
  );
});
