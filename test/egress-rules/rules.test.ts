import t from "tap";
import type { EgressFacts } from "#contract/egress.ts";
import { ask, openTown, rowsOf } from "../engine/session/town-session.ts";

interface Seen {
  facts: EgressFacts;
  rows: unknown[][];
  codes: string[];
}

/** What comes of a question after a change to the town. */
async function seen(sql: string, change?: string): Promise<Seen> {
  await using town = await openTown(change === undefined ? {} : { change });
  const { answer, parts } = await town.query(ask(sql));
  const rows = parts[2]!.byteLength === 0 ? [] : rowsOf(parts);
  return { facts: answer.facts, rows, codes: answer.findings.map((finding) => finding.code) };
}

const row = (rows: unknown[][], key: unknown): unknown[] | undefined => rows.find(([first]) => first === key);

t.test("R1 counts people, not rows: twelve visits of one person are one person", async (t) => {
  const change =
    "UPDATE visits SET hospital = 'H1' WHERE person <> 40; UPDATE visits SET hospital = 'Hx' WHERE person = 40; INSERT INTO visits SELECT 900000 + i, 40, 'Hx', DATE '2024-01-01', 10 FROM range(12) r(i)";
  const { facts, rows } = await seen("SELECT hospital, count(*), sum(cost) FROM visits GROUP BY 1", change);
  t.same(facts.suppressedBy, ["R1"]);
  t.same(row(rows, "Hx"), ["Hx", null, null]);
  t.ok(row(rows, "H1")![1] !== null);
});

t.test("R2 counts those who contribute: a mean over five values is hidden in a cell of hundreds", async (t) => {
  const { facts, rows } = await seen(
    "SELECT district, count(*), avg(income) FROM residents GROUP BY 1",
    "UPDATE residents SET income = NULL WHERE district = 'North' AND person NOT IN (SELECT person FROM residents WHERE district = 'North' ORDER BY person LIMIT 5)",
  );
  t.same(facts.suppressedBy, ["R1", "R2"]);
  t.same(row(rows, "North"), ["North", "399", null]);
});

t.test("R2 hides sums to which few have more than zero, and nothing is blocked", async (t) => {
  const { facts, rows } = await seen(
    "SELECT sum(children), count(*) FROM residents",
    "UPDATE residents SET children = CASE WHEN person <= 3 THEN 7 ELSE 0 END",
  );
  t.same([facts.suppressedBy, facts.blockedBy], [["R2"], []]);
  t.same(rows, [[null, "2000"]]);
});

t.test("R3 blocks an aggregate in which all but a few contribute the same", async (t) => {
  const { facts, rows } = await seen(
    "SELECT sum(children), count(*) FROM residents",
    "UPDATE residents SET children = CASE WHEN person <= 3 THEN 7 ELSE 2 END",
  );
  t.same(facts.blockedBy, ["R3"]);
  t.same(rows, []);
});

t.test("R3 hides one cell when elsewhere people differ", async (t) => {
  const change =
    "UPDATE residents SET children = 2 WHERE district = 'North'; UPDATE residents SET children = 9 WHERE person IN (SELECT person FROM residents WHERE district = 'North' LIMIT 4)";
  const { facts, rows } = await seen("SELECT district, sum(children) FROM residents GROUP BY 1", change);
  t.same([facts.suppressedBy, facts.blockedBy], [["R1", "R3"], []]);
  t.same(row(rows, "North"), ["North", null]);
});

t.test("R4 hides a part whose remainder is small, and a part that is small itself", async (t) => {
  const change =
    "UPDATE residents SET disease = 'none'; UPDATE residents SET disease = 'HIV' WHERE person IN (SELECT person FROM residents WHERE district = 'South' LIMIT 4)";
  const inactive = "UPDATE residents SET active = NOT (person % 400 = 1 OR person % 20 = 0)";
  const rest = await seen(
    "SELECT district, count(*), count(*) FILTER (WHERE active) FROM residents GROUP BY 1",
    inactive,
  );
  t.same(row(rest.rows, "South"), ["South", "398", null], "the four who are not active would follow by subtraction");
  t.same(row(rest.rows, "North"), ["North", "399", "299"]);
  t.same([rest.facts.suppressedBy, rest.facts.blockedBy], [["R1", "R4"], []]);
  const part = await seen(
    "SELECT district, count(*), avg(CASE WHEN disease = 'HIV' THEN 1.0 ELSE 0 END) FROM residents GROUP BY 1",
    change,
  );
  t.ok(
    part.rows.length === 6 && part.rows.every((one) => one[2] === null),
    "four in the whole town are a part of nothing",
  );
});

t.test("R5 hides an amount that the second largest could estimate; R6 one that two dominate", async (t) => {
  const few = "UPDATE residents SET income = 1 + person % 7 / 100.0 WHERE district = 'North'";
  const one =
    "UPDATE residents SET income = 5e6 WHERE person = (SELECT min(person) FROM residents WHERE district = 'North')";
  const dominated = await seen("SELECT district, count(*), sum(income) FROM residents GROUP BY 1", `${few}; ${one}`);
  t.ok(dominated.facts.suppressedBy.some((rule) => rule === "R5" || rule === "R6"));
  t.same(row(dominated.rows, "North"), ["North", "399", null], "the count stays");
  const milder = await seen("SELECT district, sum(income) FROM residents GROUP BY 1", one.replace("5e6", "3e7"));
  t.same(milder.facts.reviewBy, ["R6"], "a large but not overwhelming share goes to a person");
});

t.test("R15: people without a district are a cell of their own", async (t) => {
  const { rows } = await seen(
    "SELECT district, count(*) FROM residents GROUP BY 1",
    "UPDATE residents SET district = NULL WHERE district = 'East'",
  );
  t.same(row(rows, null), [null, "399"]);
});

t.test("R19 blocks a condition that leaves few out, or lets few in", async (t) => {
  for (const condition of [
    "district <> 'Islet'",
    "district NOT IN ('Islet', 'North')",
    "district IN ('Islet', 'North')",
    "sex = 'f' OR district = 'Islet'",
  ]) {
    const { facts, rows } = await seen(`SELECT count(*) FROM residents WHERE ${condition}`);
    t.same(facts.blockedBy, ["R19"], condition);
    t.same(rows, []);
  }
  t.same((await seen("SELECT count(*) FROM residents WHERE sex = 'f' AND disease <> 'flu'")).facts.blockedBy, []);
  const aggregate = await seen("SELECT count(*) FILTER (WHERE district <> 'Islet') FROM residents");
  t.same(aggregate.facts.blockedBy, ["R19"], "also in a FILTER");
});

t.test("R19 takes rows without a subject key for too few, and R1 for nobody", async (t) => {
  const change = "UPDATE residents SET person = NULL WHERE district IN ('East', 'Islet')";
  t.same((await seen("SELECT count(*) FROM residents WHERE district <> 'Islet'", change)).facts.blockedBy, ["R19"]);
  t.same(row((await seen("SELECT district, count(*) FROM residents GROUP BY 1", change)).rows, "East"), ["East", null]);
});

t.test("R20 sends sparse tables to a person; rare generalised keys lose their rows", async (t) => {
  const { facts, rows } = await seen("SELECT year(birth) AS y, district, count(*) FROM residents GROUP BY ALL");
  t.ok(facts.reviewBy.includes("R20"));
  t.ok(
    rows.every((one) => Number(one[2]) >= 10),
    "no row of a small cell is there",
  );
});

t.test("rows that are the whole answer are dropped when they rest on few", async (t) => {
  const { rows } = await seen("SELECT DISTINCT district FROM residents");
  t.same(rows.flat().map(String), ["East", "Harbour", "North", "South", "West"]);
});

t.test("a value that one rule hides is not said to fail another", async (t) => {
  const { codes } = await seen("SELECT district, count(*), sum(income), avg(tax) FROM residents GROUP BY 1");
  t.same(codes, ["cell_too_small"]);
});

t.test("the group of a join is counted per person, however many rows it makes", async (t) => {
  const change =
    "DELETE FROM visits WHERE person > 5; INSERT INTO visits SELECT 800000 + i, 1 + i % 5, 'H1', DATE '2024-02-02', 5 FROM range(5000) r(i)";
  const { facts, rows } = await seen(
    "SELECT count(*), sum(r.income) FROM residents r JOIN visits v ON r.person = v.person",
    change,
  );
  t.same(facts.suppressedBy, ["R1"]);
  t.same(rows, [[null, null]]);
});
