import type { DuckDBConnection } from "@duckdb/node-api";
import t from "tap";
import { ACCEPTED } from "../gate/cases.ts";
import { JOINS, PRODUCTS } from "../gate/town.ts";
import { PROFILE } from "./profile.ts";
import { ask, openTown, rowsOf } from "./town-session.ts";

const JOINED = [...JOINS, { left: "residents.district", right: "cells_1.district" }];
let data: DuckDBConnection;
const session = await openTown({ joins: JOINED, onData: (connection) => (data = connection) });
t.teardown(() => session[Symbol.asyncDispose]());

/** Tables of cells that the session keeps. */
async function kept(): Promise<{ tables: number; cells: number }> {
  const sql = "SELECT count(*), coalesce(sum(estimated_size), 0) FROM duckdb_tables() WHERE temporary";
  const [tables, cells] = (await data.runAndReadAll(sql)).getRows()[0]!.map(Number);
  return { tables: tables!, cells: cells! };
}

t.test("every statement is answered the same when it is asked again", async (t) => {
  for (const { sql } of ACCEPTED) {
    const [first, again] = [await session.query(ask(sql)), await session.query(ask(sql))];
    const { stages: _first, ...told } = first.answer;
    const { stages: _again, ...toldAgain } = again.answer;
    t.strictSame(toldAgain, told, sql);
    t.strictSame(again.parts.map(String), first.parts.map(String), "the same bytes");
  }
});

t.test("cells are counted once for a form and a profile, whatever is made of them", async (t) => {
  const count = "SELECT hospital, count(*) AS n FROM visits GROUP BY 1";
  const first = rowsOf((await session.query(ask(count))).parts);
  // no version ever changes: this shows what is counted again
  await data.run("INSERT INTO visits SELECT * FROM visits");
  const other = "SELECT hospital, 2 * count(*) AS n FROM visits GROUP BY 1 ORDER BY 2";
  const doubled = rowsOf((await session.query(ask(other))).parts);
  const sorted = first
    .map(([hospital, n]) => [hospital, String(2 * Number(n))])
    .toSorted(([, a], [, b]) => Number(a) - Number(b));
  t.strictSame(doubled, sorted, "other steps over the same cells");
  const stricter = { ...PROFILE, minSubjects: { ...PROFILE.minSubjects, value: PROFILE.minSubjects.value + 1 } };
  t.notSame(rowsOf((await session.query(ask(count, stricter))).parts), first, "under another profile");
  const narrower = "SELECT hospital, count(*) AS n FROM visits WHERE cost >= 0 GROUP BY 1";
  t.notSame(rowsOf((await session.query(ask(narrower))).parts), first, "other rows");
});

t.test("what is kept is bounded, and a statement that fails leaves nothing more", async (t) => {
  for (let i = 0; i < 70; i++) await session.query(ask(`SELECT count(*) FROM residents WHERE income > ${i}`));
  t.strictSame(await kept(), { tables: 64, cells: 64 });
  for (let i = 0; i < 12; i++) {
    await session.query(ask(`SELECT hospital, day, count(*) FROM visits WHERE cost > ${i} GROUP BY 1, 2`));
  }
  const { tables, cells } = await kept();
  t.ok(tables < 64 && cells > 5_000 && cells <= 10_000, `${cells} cells in ${tables} tables`);
  const tooMany = ask("SELECT hospital, count(*) FROM visits WHERE cost > 3 GROUP BY 1", PROFILE, { maxRows: 1 });
  await t.rejects(session.query(tooMany), { code: "output_too_large" });
  await t.rejects(session.query(tooMany), { code: "output_too_large" }, "and again");
  t.ok((await kept()).cells <= 10_000);
});

t.test("a product may have any name that a product can have", async (t) => {
  const districts = PRODUCTS.find(({ id }) => id === "districts")!;
  const named = await openTown({
    joins: JOINED,
    products: [...PRODUCTS, { ...districts, id: "cells_1" }],
    also: "CREATE TABLE cells_1 AS FROM districts",
  });
  try {
    const joined = "SELECT c.region, count(*) FROM residents r JOIN cells_1 c ON r.district = c.district GROUP BY 1";
    for (let i = 0; i < 2; i++) t.equal((await named.query(ask(joined))).answer.ok, true);
  } finally {
    await named[Symbol.asyncDispose]();
  }
});
