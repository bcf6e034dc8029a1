import fc from "fast-check";
import t from "tap";
import { createTown, openConnection } from "../gate/town.ts";
import { PROFILE } from "../session/profile.ts";
import { ask, openTown, rowsOf } from "../session/town-session.ts";

interface Measured {
  subject: number;
  value: number;
}

/** The rule as the documentation has it, written once more over plain numbers. */
interface Asked {
  point: number;
  discrete: boolean;
  enough: number;
  /** 1 for whole numbers, 100 for cents, 1e6 for doubles. */
  perUnit: number;
}

function quantile(values: readonly number[], { point, discrete }: Asked): number {
  const sorted = values.toSorted((a, b) => a - b);
  if (discrete) return sorted[Math.max(Math.ceil(sorted.length * point) - 1, 0)]!;
  const place = (sorted.length - 1) * point;
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return low + (high - low) * (place - Math.floor(place));
}

const subjectsOf = (all: readonly Measured[]): number => new Set(all.map((one) => one.subject)).size;

function published(all: readonly Measured[], asked: Asked): number | null {
  const { point, enough, perUnit } = asked;
  if (subjectsOf(all) < enough || subjectsOf(all) * Math.min(point, 1 - point) < enough - 1e-9) return null;
  const exact = quantile(
    all.map((one) => one.value),
    asked,
  );
  if (subjectsOf(all.filter((one) => one.value <= exact)) < enough) return null;
  if (subjectsOf(all.filter((one) => one.value >= exact)) < enough) return null;
  const bin = narrowest(all, Math.floor(exact * perUnit + 1e-6), asked);
  return bin === undefined ? null : (bin.low + Math.floor(bin.width / 2)) / perUnit;
}

function narrowest(all: readonly Measured[], units: number, { enough, perUnit }: Asked) {
  for (let ten = 1; ten < 1e16; ten *= 10) {
    for (const width of [ten, 5 * ten]) {
      const low = Math.floor(units / width) * width;
      const inside = all.filter(({ value }) => {
        const own = Math.round(value * perUnit);
        return own >= low && own < low + width;
      });
      if (subjectsOf(inside) >= enough) return { low, width };
    }
  }
  return undefined;
}

const POINTS = [0.05, 0.25, 0.5, 0.9, 0.995];
const QUESTIONS = [
  { table: "residents", key: "district", column: "income", perUnit: 1e6 },
  { table: "residents", key: "district", column: "children", perUnit: 1 },
  { table: "residents", key: "sex", column: "tax", perUnit: 100 },
  { table: "visits", key: "hospital", column: "cost", perUnit: 100 },
  { table: "visits", key: "month(day)", column: "cost", perUnit: 100 },
];

const sorted = (rows: readonly unknown[][]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();

t.test("quantiles are the middles of the narrowest bins that enough people share", { timeout: 60_000 }, async (t) => {
  const people = 600;
  // Many have the same few amounts, some are negative or missing, and some people come often.
  const change = `UPDATE residents SET tax = tax - 5000; UPDATE residents SET income = round(income, -2) WHERE person % 3 = 0;
    UPDATE residents SET income = NULL WHERE person % 11 = 0; UPDATE visits SET person = 7 WHERE visit % 5 = 0`;
  await using town = await openTown({ people, change });
  const raw = await openConnection((own) => createTown(own, people));
  await raw.run(change);
  for (const { table, key, column, perUnit } of QUESTIONS) {
    const result = await raw.runAndReadAll(
      `SELECT ${key}::VARCHAR, person, ${column}::DOUBLE FROM ${table} WHERE ${column} IS NOT NULL`,
    );
    const cells = Map.groupBy(result.getRows(), ([cell]) => String(cell));
    for (const kind of ["cont", "disc"]) {
      const calls = POINTS.map((point) => `quantile_${kind}(${column}, ${point})`);
      const { answer, parts } = await town.query(
        ask(`SELECT ${[`${key}::VARCHAR`, ...calls].join(", ")} FROM ${table} GROUP BY ALL`),
      );
      t.same(answer.facts.blockedBy, []);
      const asked = (point: number): Asked => ({ point, discrete: kind === "disc", enough: 10, perUnit });
      const wanted = [...cells].map(([cell, rows]) => {
        const all = rows.map(([, subject, value]): Measured => ({ subject: Number(subject), value: Number(value) }));
        const tooSmall = subjectsOf(all) < 10;
        return [cell, ...POINTS.map((point) => (tooSmall ? null : published(all, asked(point))))];
      });
      const got = rowsOf(parts).map(([cell, ...values]) => [
        cell,
        ...values.map((value) => (value === null ? null : Number(value))),
      ]);
      t.same(sorted(got), sorted(wanted), `${column} ${kind}`);
      t.ok(got.flat().filter((value) => typeof value === "number").length > 5, "most are shown");
    }
  }
  raw.closeSync();
});

t.test("whatever the amounts are, no quantile tells of fewer than k people", { timeout: 60_000 }, async (t) => {
  const amounts = fc.array(
    fc.record({ subject: fc.integer({ min: 1, max: 60 }), value: fc.integer({ min: -30, max: 400 }) }),
    { minLength: 12, maxLength: 120 },
  );
  const sets = fc.array(amounts, { minLength: 40, maxLength: 40 });
  let shown = 0;
  await fc.assert(
    fc.asyncProperty(sets, async (all) => {
      const rows = all.flatMap((one, set) =>
        one.map(({ subject, value }) => `(0, ${subject}, 'H${set}', DATE '2024-01-01', ${value})`),
      );
      const change = `DELETE FROM visits; INSERT INTO visits VALUES ${rows.join(", ")}`;
      await using town = await openTown({ people: 60, change });
      for (const [point, enough] of [
        [0.5, 10],
        [0.25, 3],
        [0.9, 5],
        [0.05, 2],
      ] as const) {
        const profile = { ...PROFILE, minSubjects: { value: enough, basis: "test" } };
        const sql = `SELECT hospital, quantile_disc(cost, ${point}) FROM visits GROUP BY 1`;
        for (const [hospital, value] of rowsOf((await town.query(ask(sql, profile))).parts)) {
          if (value === null) continue;
          shown += 1;
          checkShown(all[Number(String(hospital).slice(1))]!, Number(value), {
            point,
            discrete: true,
            enough,
            perUnit: 100,
          });
        }
      }
    }),
    { numRuns: 4 },
  );
  t.ok(shown > 100, `${shown} quantiles`);
});

/** Fails unless some bin of which `shown` is the middle holds the quantile and enough people, as do both sides of it. */
function checkShown(all: readonly Measured[], shown: number, asked: Asked): void {
  const values = all.map((one) => one.value);
  const exact = quantile(values, asked);
  const isBin = [...Array(14).keys()].some((level) => {
    const width = 10 ** (level >> 1) * (level % 2 === 0 ? 1 : 5);
    const low = Math.round(shown * asked.perUnit) - Math.floor(width / 2);
    const isInside = (value: number): boolean => value * asked.perUnit >= low && value * asked.perUnit < low + width;
    return isInside(exact) && subjectsOf(all.filter((one) => isInside(one.value))) >= asked.enough;
  });
  if (!isBin) throw new Error(`${shown} for ${exact}`);
  const sides = [all.filter((one) => one.value <= exact), all.filter((one) => one.value >= exact)];
  if (sides.some((side) => subjectsOf(side) < asked.enough)) throw new Error(`${shown} has few beside it`);
}
