import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { CARELESS, DECLARED, openPeople, ORACLES, outcomeOf } from "./people.ts";

const FILE = `${ORACLES}attacks_observed.json`;
const skip = existsSync(FILE) ? false : "no oracles in ../shared";

interface Attack {
  n: number;
  title: string;
  sql: string[];
}
const attacks = skip ? [] : (JSON.parse(readFileSync(FILE, "utf8")) as { attacks: Attack[] }).attacks;

/**
 * What this form lets through, honestly: each is harmless alone and dangerous beside another answer, which the ledger
 * (R18) will compare. 25 and 27: the large half of a differencing pair or tracker, whose other half is refused. 29: a
 * mean over twelve at full precision (rounding, R16).
 */
const RELEASED = { declared: ["25.0", "27.0", "29.1"], careless: ["25.0", "27.0", "27.2", "29.1"] };

t.test("each attack is refused, blocked or suppressed when roles are declared", { skip }, async (t) => {
  await using session = await openPeople(DECLARED);
  const released: string[] = [];
  for (const { n, title, sql } of attacks) {
    for (const [i, text] of sql.entries()) {
      const { outcome, rows } = await outcomeOf(session, text);
      if (outcome === "released") released.push(`${n}.${i}`);
      t.not(outcome, "query_error", `${n}.${i} runs, or is refused with a reason`);
      t.notMatch(JSON.stringify(rows), /83122\.1|HIV/, `${n}.${i} ${title}: ${outcome}`);
    }
  }
  t.same(released, RELEASED.declared);
});

t.test("with careless roles, where the key is a dimension too, the evidence still holds", { skip }, async (t) => {
  await using session = await openPeople(CARELESS);
  const released: string[] = [];
  for (const { n, title, sql } of attacks) {
    for (const [i, text] of sql.entries()) {
      const { outcome, rows } = await outcomeOf(session, text.replaceAll(/\b(person_)?id\b/g, "pid"));
      if (outcome === "released") released.push(`${n}.${i}`);
      t.not(outcome, "query_error", `${n}.${i} runs, or is refused with a reason`);
      t.notMatch(JSON.stringify(rows), /83122\.1|HIV/, `${n}.${i} ${title}: ${outcome}`);
    }
  }
  t.same(released, RELEASED.careless);
});

t.test("shares of one table: numerators and remainders are large or hidden", { skip }, async (t) => {
  await using session = await openPeople(DECLARED);
  const { rows } = await outcomeOf(
    session,
    "SELECT employer, count(*), count(*) FILTER (WHERE disease <> 'HIV') FROM person GROUP BY 1",
  );
  const remainders = rows.map(([, all, rest]) => (rest === null ? 0 : Number(all) - Number(rest)));
  t.ok(
    rows.length > 3 && remainders.every((remainder) => remainder === 0 || remainder >= 10),
    JSON.stringify(remainders),
  );
});
