import t from "tap";
import { createTown, openConnection } from "../engine/gate/town.ts";
import { ask, NO_LIMITS, openTown, rowsOf } from "../engine/session/town-session.ts";

const SPREADS = ["var_samp", "var_pop", "stddev", "stddev_pop", "variance"];

t.test("variances are those of DuckDB to nine digits, and the same on every run", async (t) => {
  await using town = await openTown();
  const raw = await openConnection(createTown);
  for (const spread of SPREADS) {
    for (const amount of ["income", "tax", "children", "CASE WHEN sex = 'f' THEN income END"]) {
      const sql = `SELECT district, ${spread}(${amount}) FROM residents GROUP BY 1 ORDER BY 1`;
      const [first, second] = [await town.query(ask(sql, NO_LIMITS)), await town.query(ask(sql, NO_LIMITS))];
      t.ok(Buffer.from(first.parts[0]!).equals(second.parts[0]!), sql);
      const wanted = (await raw.runAndReadAll(sql)).getRowsJson();
      for (const [i, [district, value]] of rowsOf(first.parts).entries()) {
        t.equal(district, wanted[i]![0]);
        const other = Number(wanted[i]![1]);
        t.ok(Math.abs(Number(value) - other) <= 1e-9 * other, `${sql}: ${String(value)} beside ${other}`);
      }
    }
  }
  raw.closeSync();
});

const seen = async (change: string): Promise<{ rows: unknown[][]; suppressedBy: string[] }> => {
  await using town = await openTown({ change });
  const { answer, parts } = await town.query(
    ask("SELECT district, stddev(income), count(*) FROM residents GROUP BY 1"),
  );
  const rows = parts[2]!.byteLength === 0 ? [] : rowsOf(parts);
  return { rows: rows.filter(([district]) => district === "North"), suppressedBy: answer.facts.suppressedBy };
};
const north = "person IN (SELECT person FROM residents WHERE district = 'North' ORDER BY person";

t.test("R11 hides a deviation of fewer than k + 2", async (t) => {
  const { rows, suppressedBy } = await seen(
    `UPDATE residents SET income = NULL WHERE district = 'North' AND NOT ${north} LIMIT 11)`,
  );
  t.same(rows, [["North", null, "399"]]);
  t.ok(suppressedBy.includes("R11"));
});

t.test("a deviation that one makes, or that few make, or nobody, is hidden", async (t) => {
  for (const change of [
    `UPDATE residents SET income = 9e6 WHERE ${north} LIMIT 1)`,
    "UPDATE residents SET income = 30000 WHERE district = 'North'",
    `UPDATE residents SET income = 30000 WHERE district = 'North'; UPDATE residents SET income = 60000 WHERE ${north} LIMIT 3)`,
  ]) {
    const { rows } = await seen(change);
    t.ok(rows.length === 0 || rows[0]![1] === null, change);
  }
});
