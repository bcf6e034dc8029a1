/** Published feasibility intervals, and what complementary suppression makes of the tables they belong to. */
import { feasibleInterval, linkTables, PRIMARY, protect, SHOWN, type LinkedTables } from "#engine/suppression/index.ts";
import { CUBE_2, emptyPattern, gridOf, marginsOf } from "../../engine/suppression/grid.ts";
import { parseCsv } from "../tables.ts";
import { readJson, readText, type Compared } from "./oracle.ts";

type Bounds = Record<string, [number, number]>;

interface Published {
  tables: LinkedTables;
  names: readonly string[];
  values: readonly number[];
}

/** Each interval as published: it is the same or it is not. */
function compareBounds(
  source: string,
  id: string,
  input: Published & { hidden: readonly string[]; bounds: Bounds },
): Compared {
  const { tables, names, values, hidden, bounds } = input;
  const pattern = emptyPattern(tables);
  for (const name of hidden) pattern[0]![names.indexOf(name)] = PRIMARY;
  const ours = Object.keys(bounds).map((name): [string, [number, number]] => {
    const cell = names.indexOf(name);
    const { below, above } = feasibleInterval(tables, { pattern, room: Float64Array.from(values) }, { table: 0, cell });
    return [name, [values[cell]! - below, values[cell]! + above]];
  });
  const same = ours.every(([name, [low, high]]) => low === bounds[name]![0] && high === bounds[name]![1]);
  const text = (all: readonly [string, [number, number]][]): string =>
    all.map(([name, [low, high]]) => `${name} ${low}–${high}`).join(", ");
  return { source, id, published: text(Object.entries(bounds)), ours: text(ours), relation: same ? "same" : "looser" };
}

/** A published table with some cells hidden: ours must leave each of them open by its level. */
function compareRepair(
  source: string,
  id: string,
  input: Published & { hidden: readonly string[]; level: number; published: string },
): Compared {
  const { tables, names, values, hidden, level, published } = input;
  const pattern = emptyPattern(tables);
  for (const name of hidden) pattern[0]![names.indexOf(name)] = PRIMARY;
  const room = Float64Array.from(values);
  const found = protect(tables, { pattern, room, level: () => level });
  const open = hidden.every((name) => {
    const cell = names.indexOf(name);
    const { below, above } = feasibleInterval(tables, { pattern: found.pattern, room }, { table: 0, cell });
    return below >= Math.min(level, values[cell]!) && above >= level;
  });
  const more = names.filter((name, cell) => !hidden.includes(name) && found.pattern[0]![cell] !== SHOWN);
  const totals = found.pattern.slice(1).reduce((sum, table) => sum + table.filter((one) => one !== SHOWN).length, 0);
  const ours = `also hidden: ${more.join(", ") || "none"}${totals > 0 ? ` and ${totals} totals` : ""}`;
  return { source, id, published, ours, relation: open ? "same" : "looser" };
}

interface FourByFour {
  id: string;
  true_cells: Record<string, number>;
  suppressed: string[];
  bounds: Bounds;
  after_adding: string;
  bounds_after: Bounds;
}

interface Linked {
  id: string;
  true: Record<string, number>;
  tables: Record<string, Record<string, string>>;
  suppressed: string[];
  bounds_T1_only: Bounds;
  bounds_T2_only: Bounds;
  bounds_both: Bounds;
  bounds_fixed: Bounds;
}

export function sdcTableIntervals(): Compared[] {
  const { cases } = readJson("sdctable/sdctable_cases.json") as { cases: (FourByFour | Linked)[] };
  const find = (id: string): FourByFour | Linked => cases.find((one) => one.id === id)!;
  const [four, linked] = [find("sdctable-4x4") as FourByFour, find("sdctable-linked") as Linked];
  return [...fourByFour(four), ...linkedTables(linked), ...singleton()];
}

function fourByFour({ true_cells, suppressed, bounds, after_adding, bounds_after }: FourByFour): Compared[] {
  const names = ["w", "x", "y", "z"].flatMap((row) => ["a", "b", "c", "d"].map((column) => row + column));
  const base = { tables: gridOf([4, 4], CUBE_2), names, values: names.map((name) => true_cells[name]!) };
  return [
    compareBounds("sdcTable", "4×4 trap", { ...base, hidden: suppressed, bounds }),
    compareBounds("sdcTable", "4×4 repaired", { ...base, hidden: [...suppressed, after_adding], bounds: bounds_after }),
    compareRepair("sdcTable", "4×4, w|b hidden by a rule", {
      ...base,
      hidden: ["wb"],
      level: 10,
      published: "w|b must not be 47",
    }),
  ];
}

function linkedTables(linked: Linked): Compared[] {
  const names = Object.keys(linked.true);
  const values = names.map((name) => linked.true[name]!);
  const codeOf = (table: string): Int32Array => {
    const groups = Object.values(linked.tables[table]!);
    return Int32Array.from(names, (name) => groups.findIndex((members) => members.includes(name)));
  };
  const codes = [Int32Array.from(names, (_, i) => i), codeOf("T1"), codeOf("T2")];
  const tablesOf = (kept: number[][]): LinkedTables => linkTables(codes, marginsOf(codes, kept));
  const bounds = (kept: number[][], own: Bounds, hidden = linked.suppressed): Parameters<typeof compareBounds>[2] => ({
    tables: tablesOf(kept),
    names,
    values,
    hidden,
    bounds: own,
  });
  return [
    compareBounds("sdcTable", "linked, first table", bounds([[1], []], linked.bounds_T1_only)),
    compareBounds("sdcTable", "linked, second table", bounds([[2], []], linked.bounds_T2_only)),
    compareBounds("sdcTable", "linked, both", bounds([[1], [2], []], linked.bounds_both)),
    compareBounds(
      "sdcTable",
      "linked, N hidden too",
      bounds([[1], [2], []], linked.bounds_fixed, [...linked.suppressed, "N"]),
    ),
    compareRepair("sdcTable", "linked, K hidden by a rule", {
      tables: tablesOf([[1], [2], []]),
      names,
      values,
      hidden: ["K"],
      level: 3,
      published: "also hidden: N",
    }),
  ];
}

/** Each of two single people knows its own value: hiding both is not enough. */
function singleton(): Compared[] {
  const input = {
    tables: gridOf([4], [[]]),
    names: ["a", "b", "c", "d"],
    values: [1, 2, 1, 0],
    hidden: ["a", "c"],
    level: 1,
    published: "also hidden: 1 cell",
  };
  return [compareRepair("sdcTable", "singletons", input)];
}

interface HandbookCase {
  id: string;
  rows?: (number | null)[][];
  bounds?: Bounds;
}

export function handbookIntervals(): Compared[] {
  const { cases } = readJson("handbook_cases.json") as { cases: HandbookCase[] };
  const { bounds } = cases.find((one) => one.id === "hb-feas-ex3")!;
  const names = ["x11", "x12", "x21", "x22", "x31", "x32"];
  // The example prints no inner values: any table with its totals has the same intervals.
  const table = { tables: gridOf([3, 2], CUBE_2), names, values: [4, 3, 2, 1, 3, 3] };
  const sector = { tables: gridOf([3], [[]]), names: ["I", "II", "III"], values: [998, 47_600, 8002] };
  return [
    compareBounds("handbook", "hb-feas-ex3", { ...table, hidden: names.slice(0, 4), bounds: bounds! }),
    compareRepair("handbook", "hb-sum-ex1a", {
      ...sector,
      hidden: ["I"],
      level: 100,
      published: "one more must be hidden",
    }),
  ];
}

export function gaussPattern(): Compared[] {
  const { rows } = parseCsv(readText("gauss/z1.csv"));
  const regions = [...new Set(rows.map(([region]) => region!))].toSorted();
  const topics = [...new Set(rows.map(([, topic]) => topic!))].toSorted();
  const names = regions.flatMap((region) => topics.map((topic) => `${region}|${topic}`));
  const values = names.map((name) => Number(rows.find(([region, topic]) => `${region}|${topic}` === name)![2]));
  const hidden = names.filter((_, i) => values[i]! <= 3);
  const input = { tables: gridOf([regions.length, topics.length], CUBE_2), names, values, hidden, level: 3 };
  return [compareRepair("GaussSuppression", "z1, at most 3", { ...input, published: "3 hidden by the rule, 3 more" })];
}
