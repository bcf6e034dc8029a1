import t from "tap";
import { ACCEPTED } from "../gate/cases.ts";
import { createTown, openConnection } from "../gate/town.ts";
import { ask, NO_LIMITS, openTown, rowsOf } from "../session/town-session.ts";

const session = await openTown();
const raw = await openConnection(createTown);
t.teardown(async () => {
  raw.closeSync();
  await session[Symbol.asyncDispose]();
});

/** Rows as text in an order of their own; doubles to 13 digits, because DuckDB's own sums differ in the last ones. */
function comparable(rows: readonly (readonly unknown[])[]): string[] {
  const text = (value: unknown): unknown => {
    if (typeof value === "number") return Number(value.toPrecision(13));
    return typeof value === "string" ? value.replace(/ 00:00:00$/, "").replace(/T00:00:00(\.0+)?Z?$/, "") : value;
  };
  return rows.map((row) => JSON.stringify(row.map(text))).toSorted();
}

t.test("when nothing is suppressed the released values are those of DuckDB", async (t) => {
  for (const { sql } of ACCEPTED) {
    const { answer, parts } = await session.query(ask(sql, NO_LIMITS));
    t.equal(answer.facts.suppressedCells, 0, sql);
    const expected = (await raw.runAndReadAll(sql)).getRowsJson();
    const limited = /LIMIT/.test(sql);
    const [got, want] = [comparable(rowsOf(parts)), comparable(expected)];
    if (limited) t.equal(got.length, want.length, sql);
    else t.same(got, want, sql);
  }
});

t.test("two runs give the same bytes, whatever the number of threads", async (t) => {
  await using single = await openTown({ threads: 1 });
  for (const sql of [
    "SELECT district, sum(income), avg(income / 7) FROM residents GROUP BY 1",
    "SELECT sum(income), count(*) FROM residents",
    "SELECT * FROM districts",
  ]) {
    const first = await session.query(ask(sql));
    const second = await session.query(ask(sql));
    const third = await single.query(ask(sql));
    for (const part of [0, 1, 2]) {
      t.ok(Buffer.from(first.parts[part]!).equals(second.parts[part]!), `${sql}: part ${part}`);
      t.ok(Buffer.from(first.parts[part]!).equals(third.parts[part]!), `${sql}: part ${part}, one thread`);
    }
    t.equal(first.answer.evidence.planDigest, third.answer.evidence.planDigest);
  }
});

t.test("equal questions have equal digests, other questions have others", async (t) => {
  const digest = async (sql: string): Promise<string | undefined> =>
    (await session.query(ask(sql))).answer.evidence.planDigest;
  const one = await digest("SELECT district, count(*) FROM residents WHERE NOT (sex = 'f') GROUP BY district");
  t.equal(
    await digest("select  district, count(*) from (select * from residents where sex <> 'f') t group by all"),
    one,
  );
  t.not(await digest("SELECT district, count(*) FROM residents WHERE NOT (sex = 'm') GROUP BY district"), one);
});
