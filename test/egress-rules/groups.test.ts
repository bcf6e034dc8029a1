import t from "tap";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";

const NORTH = "district = 'North'";

async function seen(sql: string, change: string) {
  await using town = await openTown({
    change: `UPDATE residents SET disease = CASE WHEN person % 2 = 0 THEN 'flu' ELSE 'none' END,
    district = CASE WHEN district = 'Islet' THEN 'North' ELSE district END; ${change}`,
  });
  const { answer, parts } = await town.query(ask(sql));
  const rows = parts[2]!.byteLength === 0 ? [] : rowsOf(parts);
  const { suppressedBy, reviewBy, blockedBy } = answer.facts;
  return { rows, north: rows.find(([key]) => key === "North"), suppressedBy, reviewBy, blockedBy };
}

const allBut = (few: number, where = NORTH): string =>
  `UPDATE residents SET disease = 'HIV' WHERE ${where} AND person NOT IN (SELECT person FROM residents WHERE ${where} ORDER BY person LIMIT ${few})`;
const FILTER = "SELECT district, count(*), count(*) FILTER (WHERE disease = 'HIV') FROM residents GROUP BY 1";
const WHERE = "SELECT district, count(*) FROM residents WHERE disease = 'HIV' GROUP BY 1";
const OTHERS = "SELECT district, count(*) FROM residents WHERE disease <> 'HIV' GROUP BY 1";

t.test("R7 hides what tells about nine of ten people of a cell, or all, in a filter as in WHERE", async (t) => {
  for (const few of [0, 38]) {
    const filter = await seen(
      FILTER,
      `${allBut(few)}; UPDATE residents SET disease = 'HIV' WHERE person % 3 = 0 AND district <> 'North'`,
    );
    t.same(filter.north, ["North", "405", null], `${few} others`);
    t.ok(filter.suppressedBy.includes("R7"));
    const where = await seen(
      WHERE,
      `${allBut(few)}; UPDATE residents SET disease = 'HIV' WHERE person % 3 = 0 AND district <> 'North'`,
    );
    t.equal(where.north, undefined, `${few} others: that the row is there would tell too`);
    t.ok(where.rows.filter(([, n]) => n !== null).length === 4);
  }
});

t.test("R7 sees what a subquery asks about the same people", async (t) => {
  const change = `${allBut(20)}; UPDATE residents SET disease = 'HIV' WHERE person % 3 = 0 AND district <> 'North'`;
  const asked = "SELECT o.person FROM residents o WHERE o.disease = 'HIV'";
  const exists = `SELECT district, count(*) FROM residents r WHERE EXISTS (${asked} AND o.person = r.person) GROUP BY 1`;
  for (const sql of [exists, `SELECT district, count(*) FROM residents WHERE person IN (${asked}) GROUP BY 1`]) {
    const { north, suppressedBy } = await seen(sql, change);
    t.equal(north, undefined, sql);
    t.ok(suppressedBy.includes("R7"));
  }
  const few = "UPDATE residents SET disease = 'HIV' WHERE person % 3 = 0";
  const { north, suppressedBy } = await seen(exists.replace("WHERE EXISTS", "WHERE NOT EXISTS"), few);
  t.ok(Number(north![1]) > 200 && !suppressedBy.includes("R7"), "two of three do not have it");
});

t.test("R7 does not hide a share of four fifths, nor that nearly nobody has a disease", async (t) => {
  const fifth = await seen(WHERE, allBut(80));
  t.same(
    fifth.suppressedBy.filter((rule) => rule === "R7"),
    [],
  );
  t.equal(fifth.north![1], "325");
  const rest = await seen(OTHERS, allBut(381));
  t.same(rest.north, ["North", "381"]);
});

t.test("R7 hides the size of the others when they are few of the group", async (t) => {
  const { north, suppressedBy } = await seen(OTHERS, allBut(30));
  t.equal(north, undefined, "375 of 405 are not counted: nearly everybody has it");
  t.ok(suppressedBy.includes("R7"));
});

t.test("R7 hides a count that all but a few of a group have", async (t) => {
  const one = "UPDATE residents SET disease = 'HIV' WHERE disease = 'none' AND person % 4 = 1";
  const { north, suppressedBy } = await seen(
    OTHERS,
    `${one}; UPDATE residents SET disease = 'none' WHERE ${NORTH}; ${allBut(401)}`,
  );
  t.equal(north, undefined, "four have it");
  t.same(suppressedBy, ["R7"]);
});

t.test("R8 sends to a person what says of a whole group that nobody has it", async (t) => {
  const some = await seen(WHERE, "UPDATE residents SET disease = 'HIV' WHERE person % 4 = 0");
  t.same([some.reviewBy, some.rows.length], [[], 5]);
  const none = await seen(WHERE, "UPDATE residents SET disease = 'HIV' WHERE person % 4 = 0 AND district <> 'North'");
  t.same([none.reviewBy, none.rows.length], [["R8"], 4]);
});

t.test("R7 hides the totals too: no interval of a number keeps a share secret", async (t) => {
  const sql = "SELECT district, count(*) FROM residents WHERE disease = 'HIV' GROUP BY ROLLUP (district)";
  const { rows, suppressedBy } = await seen(
    sql,
    allBut(0) + "; UPDATE residents SET disease = 'HIV' WHERE person % 3 = 0",
  );
  t.same(suppressedBy, ["R17", "R7"]);
  t.same(
    rows.find(([district]) => district === null),
    [null, null],
  );
});

t.test("R14 sends concentrated amounts to a person, also where R6 would let them pass", async (t) => {
  const rich = (income: number): string =>
    `UPDATE residents SET income = ${income} WHERE person = (SELECT min(person) FROM residents WHERE ${NORTH})`;
  const sql = "SELECT district, sum(income) FROM residents GROUP BY 1";
  t.same((await seen(sql, rich(6e7))).reviewBy, ["R14", "R6"], "three quarters");
  t.same((await seen(sql, rich(2.4e7))).reviewBy, ["R6"], "a little more than half");
});

t.test("whether somebody has a disease is no key, as the disease is none", async (t) => {
  const has = "EXISTS (SELECT 1 FROM residents o WHERE o.person = r.person AND o.disease = 'HIV')";
  const asked = seen(`SELECT district, ${has} AS has, count(*) FROM residents r GROUP BY 1, 2`, allBut(0));
  const refused: unknown = await asked.catch((error: unknown) => error);
  t.match(refused, { findings: [{ code: "key_refused" }] });
});
