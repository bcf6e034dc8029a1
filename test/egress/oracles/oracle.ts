import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EgressProfile } from "#contract/profile.ts";
import type { AggregateEvidence, CellEvidence } from "#engine/evidence/index.ts";
import { judgeForm, type SafeQuery } from "#engine/gate/index.ts";
import { judgeCells, thresholdOf } from "#engine/rules/index.ts";
import { CATALOGUE, createEmpty, openConnection } from "../../engine/gate/town.ts";
import { NOISE_KEY } from "../../engine/session/profile.ts";

export const ORACLES: string = fileURLToPath(new URL("../../../../shared/oracles/", import.meta.url));
export const skip: string | false = existsSync(`${ORACLES}handbook_cases.json`) ? false : "no oracles in ../shared";

/** One published answer beside ours. */
export interface Compared {
  source: string;
  id: string;
  published: string;
  ours: string;
  /** Computed by the case, never written down. */
  relation: "same" | "stricter" | "looser";
}

export function readText(path: string): string {
  return readFileSync(`${ORACLES}${path}`, "utf8");
}

export function readJson(path: string): unknown {
  return JSON.parse(readText(path));
}

/** Ours beside theirs as sets of cells that do not leave. */
export function compareHidden(
  source: string,
  id: string,
  { theirs, ours }: { theirs: readonly string[]; ours: readonly string[] },
): Compared {
  const missing = theirs.filter((cell) => !ours.includes(cell));
  const more = ours.filter((cell) => !theirs.includes(cell));
  const relation = missing.length > 0 ? "looser" : more.length > 0 ? "stricter" : "same";
  const listed = (cells: readonly string[]): string =>
    cells.length > 8 ? `${cells.length} cells` : cells.join(", ") || "none";
  return { source, id, published: `hidden: ${listed(theirs)}`, ours: `hidden: ${listed(ours)}`, relation };
}

/** What is known of a published cell. */
export interface PublishedCell {
  freq: number;
  value: number;
  top1: number;
  top2: number;
}

/** The product's rules over published cells, as sums of a measure: which are hidden, and by which rule. */
export async function judgePublished(
  cells: readonly PublishedCell[],
  profile: EgressProfile,
): Promise<Map<number, string>> {
  const query = await sumQuery();
  const evidence = {
    classes: 1,
    cells: cells.map((cell, i) => evidenceOf(cell, i)),
    splits: [],
    groups: [],
  };
  const { suppressed } = judgeCells({
    query,
    evidence,
    profile,
    isEnough: thresholdOf(profile, NOISE_KEY),
    magnitudes: new Set([0]),
    maxGrade: "L1",
  });
  return new Map(suppressed.map(({ cell, because }) => [cell, because.get(0)!]));
}

function evidenceOf({ freq, value, top1, top2 }: PublishedCell, cell: number): CellEvidence {
  const one: AggregateEvidence = {
    nonNull: freq,
    nonNeutral: freq,
    offMode: freq,
    total: value,
    largest: [top1, top2],
    sketch: undefined,
  };
  return {
    cell,
    keys: [],
    rows: freq,
    atLeast: false,
    counted: true,
    subjects: [freq],
    sketches: [undefined],
    aggregates: [[one]],
    regions: [[]],
  };
}

let query: Promise<SafeQuery> | undefined;

function sumQuery(): Promise<SafeQuery> {
  query ??= (async () => {
    const planning = await openConnection(createEmpty);
    const sql = "SELECT district, sum(income) FROM residents GROUP BY 1";
    const form = await judgeForm(planning, { sql, parameters: {}, visibility: "aggregates", catalogue: CATALOGUE });
    planning.closeSync();
    if (form.form !== "safe") throw new Error("the question is safe");
    return form.statement.leaves[0]!;
  })();
  return query;
}
