import t from "tap";
import { ask, openTown } from "../engine/session/town-session.ts";

t.test("a reviewer sees which cells rules hide, which go for their sake, and what is left open", async (t) => {
  await using town = await openTown();
  const { answer } = await town.query(
    ask("SELECT district, count(*), sum(income) FROM residents GROUP BY ROLLUP (district)"),
  );
  const { columns, cells } = answer.evidence;
  // Each table has a line of column names above it.
  const lines: readonly unknown[][] = [columns, ...cells];
  const names = lines.find((line) => line.includes("key 1"))!;
  const [why, seen] = ["suppressed by (R17: for the sake of others)", "rows as seen from outside"].map((name) =>
    names.indexOf(name),
  );
  const of = (key: string): unknown[] => {
    const row = lines.find((line) => line[0] === key)!;
    return [row[why!], row[seen!]];
  };
  t.same(of("Islet"), ["R1 a0 a1", "0–405"]);
  t.same(of("East"), ["R17 a0 a1", ""]);
  t.same(of("North"), ["", ""]);
});
