import fc from "fast-check";
import t from "tap";
import {
  feasibleInterval,
  linkTables,
  PRIMARY,
  protect,
  SECONDARY,
  SHOWN,
  type LinkedTables,
  type Quantity,
} from "#engine/suppression/index.ts";
import { CUBE_2, CUBE_3, emptyPattern, gridOf, marginsOf } from "./grid.ts";
import { attackedInterval } from "./highs.ts";

const K = 10;

interface Example {
  tables: LinkedTables;
  values: number[];
  hidden: number[];
}

/** Sparse tables of two or three keys with some of their totals; atoms below K are hidden. */
const example = fc
  .record({
    sizes: fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 2, maxLength: 3 }),
    cells: fc.array(fc.record({ isThere: fc.boolean(), small: fc.boolean(), size: fc.nat(K * 3) }), {
      minLength: 64,
      maxLength: 64,
    }),
    margins: fc.subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 }),
    dense: fc.boolean(),
  })
  .map(({ sizes, cells, margins, dense }): Example => {
    const all = sizes.reduce((product, size) => product * size, 1);
    const there = cells.slice(0, all).flatMap(({ isThere }, i) => (isThere || dense || i === 0 ? [i] : []));
    const codes = sizes.map((size, key) => {
      const below = sizes.slice(key + 1).reduce((product, one) => product * one, 1);
      return Int32Array.from(there, (i) => Math.floor(i / below) % size);
    });
    const kept: readonly (readonly number[])[] = sizes.length === 2 ? CUBE_2 : CUBE_3;
    const chosen = margins.flatMap((margin) => (kept[margin] ? [kept[margin]] : []));
    const values = there.map((i) => (cells[i]!.small ? 1 + (cells[i]!.size % (K - 1)) : K + cells[i]!.size));
    const hidden = values.flatMap((value, atom) => (value < K ? [atom] : []));
    return { tables: linkTables(codes, marginsOf(codes, chosen)), values, hidden };
  });

/** Totals below K are hidden too. */
function quantityOf({ tables, values, hidden }: Example): Quantity {
  const pattern = emptyPattern(tables);
  for (const atom of hidden) pattern[0]![atom] = PRIMARY;
  for (const [table, { members }] of tables.tables.entries()) {
    for (const [cell, atoms] of members.entries()) {
      if (sumOf(values, atoms) < K) pattern[table]![cell] = PRIMARY;
    }
  }
  return { pattern, room: Float64Array.from(values), level: () => K };
}

const sumOf = (values: readonly number[], atoms: readonly number[]): number =>
  atoms.reduce((sum, atom) => sum + values[atom]!, 0);

t.test(
  "what is released determines no hidden cell closer than its level, whoever knows all the others",
  { timeout: 200_000 },
  async (t) => {
    await fc.assert(
      fc.asyncProperty(example, async (one) => {
        const { tables, values } = one;
        const { pattern } = protect(tables, quantityOf(one));
        const released = { tables, pattern, values };
        for (const [table, { members }] of tables.tables.entries()) {
          for (const [cell, atoms] of members.entries()) {
            if (quantityOf(one).pattern[table]![cell] !== PRIMARY) continue;
            const others = table === 0 ? one.hidden.filter((atom) => !atoms.includes(atom)) : [];
            const [low, high] = await attackedInterval(released, atoms, others);
            const value = sumOf(values, atoms);
            if (low > Math.max(0, value - K) + 1e-6) throw new Error(`${value} is at least ${low}`);
            if (high < value + K - 1e-6) throw new Error(`${value} is at most ${high}`);
          }
        }
      }),
      { numRuns: 80 },
    );
    t.pass("80 tables");
  },
);

t.test(
  "tables none of which comprises the others give away no small group that none of them shows",
  { timeout: 200_000 },
  async (t) => {
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(example, async (one) => {
        const { tables, values } = one;
        const quantity = quantityOf(one);
        for (const [atom, status] of quantity.pattern[0]!.entries()) {
          if (status === SHOWN) quantity.pattern[0]![atom] = SECONDARY;
        }
        const { pattern } = protect(tables, { ...quantity, isUnseen: true });
        for (const atom of one.hidden) {
          const [low, high] = await attackedInterval({ tables, pattern, values }, [atom]);
          const value = values[atom]!;
          asked++;
          if (low > Math.max(0, value - K) + 1e-6) throw new Error(`${value} is at least ${low}`);
          if (high < value + K - 1e-6) throw new Error(`${value} is at most ${high}`);
        }
      }),
      { numRuns: 60 },
    );
    t.ok(asked > 100, `${asked} groups`);
  },
);

t.test("hiding again changes nothing", async (t) => {
  fc.assert(
    fc.property(example, (one) => {
      const quantity = quantityOf(one);
      const first = protect(one.tables, quantity);
      const again = protect(one.tables, { ...quantity, pattern: first.pattern });
      return JSON.stringify(listOf(again.pattern)) === JSON.stringify(listOf(first.pattern));
    }),
    { numRuns: 500 },
  );
  t.pass("500 tables");
});

const listOf = (pattern: readonly Uint8Array[]): number[][] => pattern.map((one) => [...one]);

t.test("which cells go does not depend on what hidden cells, or the cells that go with them, hold", async (t) => {
  fc.assert(
    fc.property(example, fc.array(fc.nat(1000), { minLength: 64, maxLength: 64 }), (one, other) => {
      const values = one.values.map((value, atom) => (value < K ? 1 + (other[atom]! % (K - 1)) : K + other[atom]!));
      const changed = { ...one, values };
      const quantity = quantityOf(one);
      // Totals that are small in one of the two only are another table.
      const totals = JSON.stringify(listOf(quantityOf(changed).pattern)) === JSON.stringify(listOf(quantity.pattern));
      if (!totals) return true;
      const [a, b] = [protect(one.tables, quantity), protect(one.tables, quantityOf(changed))];
      return JSON.stringify(listOf(a.pattern)) === JSON.stringify(listOf(b.pattern));
    }),
    { numRuns: 500 },
  );
  t.pass("500 tables");
});

t.test("a choice by smallest value would tell: the first cell goes instead", async (t) => {
  // Six, then districts of nearly equal size: the smallest of them would be known to be at most 399, so the six at least 5.
  const tables = gridOf([6], [[]]);
  const room = Float64Array.from([401, 400, 6, 399, 400, 401]);
  const pattern = emptyPattern(tables);
  pattern[0]![2] = PRIMARY;
  const hidden = protect(tables, { pattern, room, level: () => K });
  t.same(listOf(hidden.pattern), [[SECONDARY, SHOWN, PRIMARY, SHOWN, SHOWN, SHOWN], [SHOWN]]);
});

t.test("what cannot carry the level is not chosen; when nothing can, the total goes", async (t) => {
  const tables = gridOf([3], [[]]);
  const pattern = emptyPattern(tables);
  pattern[0]![0] = PRIMARY;
  const few = protect(tables, { pattern, room: Float64Array.of(500, 20, 90), level: () => 50 });
  t.same(listOf(few.pattern), [[PRIMARY, SHOWN, SECONDARY], [SHOWN]]);
  const none = protect(tables, { pattern, room: Float64Array.of(500, 20, 40), level: () => 50 });
  t.same(listOf(none.pattern), [[PRIMARY, SHOWN, SHOWN], [SECONDARY]]);
});

t.test("the product's intervals are those of HiGHS", { timeout: 100_000 }, async (t) => {
  await fc.assert(
    fc.asyncProperty(example, fc.nat(), async (one, which) => {
      const { tables, values } = one;
      const { pattern } = quantityOf(one);
      for (let at = 0; at < values.length; at += 3) pattern[0]![at] = PRIMARY;
      const table = which % tables.tables.length;
      const cell = which % tables.tables[table]!.members.length;
      const own = feasibleInterval(tables, { pattern, room: Float64Array.from(values) }, { table, cell });
      const atoms = tables.tables[table]!.members[cell]!;
      const [low, high] = await attackedInterval({ tables, pattern, values }, atoms);
      const value = sumOf(values, atoms);
      if (Math.abs(value - own.below - low) > 1e-6) throw new Error(`${value - own.below} is ${low} for HiGHS`);
      const isSame = own.above === high || Math.abs(value + own.above - high) < 1e-6;
      if (!isSame) throw new Error(`${value + own.above} is ${high} for HiGHS`);
    }),
    { numRuns: 100 },
  );
  t.pass("100 tables");
});
