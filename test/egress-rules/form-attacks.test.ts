import t from "tap";
import { QueryRefused } from "#engine/index.ts";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";
import { FORM_ATTACKS } from "./form-attacks.ts";

/**
 * The six of Islet alone have been to Hx, person 7 comes more often than all others and to more places, one visit is
 * nobody's, and nobody outside Islet has HIV.
 */
const CHANGE = `UPDATE visits SET hospital = 'Hx' WHERE person <= 6;
  INSERT INTO visits SELECT 900000 + i, 7, 'H' || (1 + i % 8), DATE '2025-01-01' + i::INTEGER, 9000 FROM range(20) r(i);
  INSERT INTO visits VALUES (990000, NULL, 'nobody', DATE '2024-05-05', 10);
  UPDATE residents SET disease = CASE WHEN person = 3 THEN 'HIV' WHEN disease = 'HIV' THEN 'none' ELSE disease END`;
const town = await openTown({ change: CHANGE });
t.teardown(() => town[Symbol.asyncDispose]());

interface Seen {
  outcome: string;
  rows: unknown[][];
}

async function seen(sql: string): Promise<Seen> {
  try {
    const { answer, parts } = await town.query(ask(sql));
    const { blockedBy } = answer.facts;
    if (blockedBy.length > 0) return { outcome: `blocked ${blockedBy.join(" ")}`, rows: [] };
    return { outcome: "shown", rows: parts[2]!.byteLength === 0 ? [] : rowsOf(parts) };
  } catch (error) {
    if (!(error instanceof QueryRefused)) throw error;
    return { outcome: `refused ${error.findings[0]?.code ?? error.code}`, rows: [] };
  }
}

t.test("what isolates few is refused, blocked or hidden, in whatever form it is asked", async (t) => {
  for (const [outcome, sql] of FORM_ATTACKS) {
    const [what, key] = outcome.split(" ");
    const found = await seen(sql);
    if (what !== "hidden") {
      t.equal(found.outcome, outcome, sql);
      continue;
    }
    t.equal(found.outcome, "shown", sql);
    // `hidden`: every value of every row; `hidden x`: the row of key x, or its values.
    const hidden = key === undefined ? found.rows : found.rows.filter(([first]) => String(first) === key);
    const values = hidden.flatMap((row) => (key === undefined ? row : row.slice(1)));
    t.same(
      values.filter((value) => value !== null),
      [],
      sql,
    );
  }
});

t.test("parts of a table that few make are hidden in each of its cells", async (t) => {
  const sql = `SELECT district, count(*), count(*) FILTER (WHERE EXISTS (FROM visits v WHERE v.person = r.person AND hospital = 'Hx'))
    FROM residents r GROUP BY 1`;
  const { rows } = await seen(sql);
  t.ok(rows.length > 0 && rows.every((row) => row[2] === null));
  const sum =
    "sum(CASE WHEN EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital = 'Hx') THEN income ELSE 0 END)";
  t.same((await seen(`SELECT ${sum}, count(*) FROM residents r`)).rows, [[null, "2000"]]);
});

t.test("conditions inside of relations count where the rows of the statement are", async (t) => {
  const inner = "EXISTS (FROM visits v WHERE v.person = r.person AND v.cost > 9000 AND v.hospital IN ('H1', 'H2'))";
  t.same((await seen(`SELECT count(*) FROM residents r WHERE ${inner}`)).outcome, "shown");
  const few = await seen(`SELECT count(*) FROM residents r WHERE district = 'Islet' AND ${inner}`);
  t.same(
    few.rows.flat().filter((value) => value !== null),
    [],
  );
  const narrow = `SELECT count(*) FROM residents r WHERE left(postcode, 3) = '325' AND birth >= '2000-01-01' AND ${inner}`;
  t.match((await seen(narrow)).outcome, /blocked R19/, "few of those that the outer conditions leave");
});
