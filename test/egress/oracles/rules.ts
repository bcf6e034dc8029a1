/** Published primary rules: tau-argus, sdcTable, GaussSuppression and the handbook's examples of p % and dominance. */
import { profileWith } from "../tables.ts";
import { compareHidden, judgePublished, readJson, type Compared, type PublishedCell } from "./oracle.ts";

const LOOSE = { pPercent: 0, dominanceTwo: 2, dominanceOneReview: 2, dominanceTwoReview: 2, minSubjects: 0 } as const;

interface TauCell extends PublishedCell {
  size: string;
  region: string;
  status: "S" | "U" | "E";
}

export async function tauArgus(): Promise<Compared[]> {
  const { rows } = readJson("tauargus/pp_cells.json") as { rows: TauCell[] };
  const there = rows.filter((row) => row.status !== "E");
  const hidden = await judgePublished(there, profileWith({ ...LOOSE, pPercent: 15, minSubjects: 3 }));
  const name = ({ size, region }: TauCell): string => `${size}|${region}`;
  const theirs = there.filter((row) => row.status === "U").map(name);
  const ours = there.filter((_, i) => hidden.has(i)).map(name);
  // Cells with nothing in them are no rows of a result.
  return [compareHidden("tau-argus", `pp: ${rows.length} cells, p 15 %, at least 3`, { theirs, ours })];
}

interface SdcTable {
  microdata1_cells: (Omit<PublishedCell, "value"> & { id: number; val: number })[];
  cases: { id: string; expected_unsafe_ids?: number[] }[];
}

export async function sdcTable(): Promise<Compared[]> {
  const { microdata1_cells, cases } = readJson("sdctable/sdctable_cases.json") as SdcTable;
  const cells = microdata1_cells.map((cell) => ({ ...cell, value: cell.val }));
  const rules: Record<string, Parameters<typeof profileWith>[0]> = {
    "sdctable-freq2": { ...LOOSE, minSubjects: 3 },
    "sdctable-freq3": { ...LOOSE, minSubjects: 4 },
    "sdctable-nk2-75": { ...LOOSE, dominanceTwo: 0.75 },
    "sdctable-p70": { ...LOOSE, pPercent: 70 },
    // The prior-posterior rule (60, 80) is the p % rule with p = 100 · 60 / 80.
    "sdctable-pq60-80": { ...LOOSE, pPercent: 75 },
  };
  const compared: Compared[] = [];
  for (const [id, numbers] of Object.entries(rules)) {
    const hidden = await judgePublished(cells, profileWith(numbers));
    const theirs = cases.find((one) => one.id === id)!.expected_unsafe_ids!.map(String);
    const ours = cells.flatMap((cell, i) => (hidden.has(i) ? [String(cell.id)] : []));
    compared.push(compareHidden("sdcTable", id, { theirs, ours }));
  }
  return compared;
}

interface Gauss {
  dominance: { num: number[]; group: string[]; unweighted_2_90_unsafe: Record<string, boolean> };
  magnitude1: {
    by_row: Record<string, { n: number; X: number; top1: number; top2: number }>;
    by_company: Record<string, { n: number; X: number; top1: number; top2: number }>;
    primary: Record<string, string[]>;
  };
}

export async function gaussRules(): Promise<Compared[]> {
  const { dominance, magnitude1 } = readJson("gauss/gauss_cases.json") as Gauss;
  const groups = Object.keys(dominance.unweighted_2_90_unsafe);
  const sums = groups.map((group): PublishedCell => {
    const own = dominance.num.filter((_, i) => dominance.group[i] === group).toSorted((a, b) => b - a);
    return {
      freq: own.length,
      value: own.reduce((sum, one) => sum + one, 0),
      top1: own[0] ?? 0,
      top2: own[1] ?? 0,
    };
  });
  const two = await judgePublished(sums, profileWith({ ...LOOSE, dominanceTwo: 0.9 }));
  const companies = Object.entries(magnitude1.by_company).filter(([, { n }]) => n > 0);
  const few = await judgePublished(
    companies.map(([, { n, X, top1, top2 }]) => ({ freq: n, value: X, top1, top2 })),
    profileWith({ ...LOOSE, minSubjects: 3 }),
  );
  const named = (hidden: ReadonlyMap<number, string>, names: readonly string[]): string[] =>
    names.filter((_, i) => hidden.has(i));
  return [
    compareHidden("GaussSuppression", "dominance (2, 90 %)", {
      theirs: groups.filter((group) => dominance.unweighted_2_90_unsafe[group]),
      ours: named(two, groups),
    }),
    compareHidden("GaussSuppression", "magnitude1: at most 2 companies", {
      theirs: magnitude1.primary["few2_company"]!,
      ours: named(
        few,
        companies.map(([name]) => name),
      ),
    }),
  ];
}

interface Handbook {
  cases: { id: string; X?: number; x?: number[] }[];
}

export async function handbookRules(): Promise<Compared[]> {
  const { cases } = readJson("handbook_cases.json") as Handbook;
  const cell = (id: string): PublishedCell => {
    const { X, x } = cases.find((one) => one.id === id)!;
    return { freq: 20, value: X!, top1: x![0]!, top2: x![1]! };
  };
  const judged = async (id: string, numbers: Parameters<typeof profileWith>[0]): Promise<string[]> =>
    (await judgePublished([cell(id)], profileWith({ ...LOOSE, ...numbers }))).size > 0 ? ["the cell"] : [];
  const one = async (id: string, numbers: Parameters<typeof profileWith>[0], theirs: string[]): Promise<Compared> =>
    compareHidden("handbook", `${id} ${JSON.stringify(numbers)}`, { theirs, ours: await judged(id, numbers) });
  return [
    await one("hb-p-ex1", { pPercent: 10 }, ["the cell"]),
    await one("hb-p-ex1", { dominanceTwo: 0.9 }, ["the cell"]),
    await one("hb-p-ex2", { pPercent: 10 }, []),
    await one("hb-p-ex2", { dominanceTwo: 0.90909 }, ["the cell"]),
    await one("hb-upl-ex4", { pPercent: 10 }, ["the cell"]),
  ];
}
