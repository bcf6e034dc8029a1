import type { DuckDBConnection } from "@duckdb/node-api";
import type { EgressProfile } from "#contract/profile.ts";
import {
  addStatistics,
  boundCellsSql,
  countingOf,
  exactCellsSql,
  magnitudesOf,
  readCells,
  readGroupShares,
  runSplitTests,
  settleCells,
  type CellEvidence,
  type Evidence,
  type StatisticsInput,
} from "./evidence/index.ts";
import { withoutPlaces, type SafeQuery } from "./gate/index.ts";
import { greatestThreshold, isClear, isClearPair, isFar } from "./rules/index.ts";

/** A leaf whose cells are counted: the table that holds them, and the evidence about them. */
export interface CountedLeaf {
  table: string;
  evidence: Evidence;
}

/** Cells of leaves that are kept, all together: some ten megabytes. */
const MOST_CELLS = 10_000;
const MOST_LEAVES = 64;

/**
 * Counts leaves, and keeps what it counted: a question that was asked before, or whose other steps over the same cells are new,
 * costs no scan. INVARIANT: the versions that a session has mounted never change, and what a leaf counts depends on nothing but
 * them, its form and the profile. The rules judge it anew each time.
 */
export class CountedLeaves {
  readonly #data: DuckDBConnection;
  /** In the order of their last use. */
  readonly #kept = new Map<string, CountedLeaf>();
  #made = 0;

  constructor(data: DuckDBConnection) {
    this.#data = data;
  }

  /** Whether the leaves of all these keys are kept. */
  knows(keys: readonly string[]): boolean {
    return keys.every((key) => this.#kept.has(key));
  }

  async count(query: SafeQuery, profile: EgressProfile): Promise<CountedLeaf> {
    const key = leafKey(query, profile);
    const leaf = this.#kept.get(key) ?? (await this.#countNew(query, profile));
    this.#kept.delete(key);
    this.#kept.set(key, leaf);
    return leaf;
  }

  /** Drops what is too much to keep, the least recently used first: after a statement, which needs all of its own. */
  async trim(): Promise<void> {
    let cells = [...this.#kept.values()].reduce((sum, { evidence }) => sum + evidence.cells.length, 0);
    for (const [key, { table, evidence }] of this.#kept) {
      if (cells <= MOST_CELLS && this.#kept.size <= MOST_LEAVES) return;
      this.#kept.delete(key);
      cells -= evidence.cells.length;
      await this.#drop(table);
    }
  }

  async #countNew(query: SafeQuery, profile: EgressProfile): Promise<CountedLeaf> {
    // no product has such a name
    const name = `cells$${(this.#made += 1)}`;
    const table = `temp.main.${name}`;
    const [enough, most] = [profile.minSubjects.value, greatestThreshold(profile)];
    const counting = await countingOf(this.#data, query);
    const sql = counting === "bounded" ? boundCellsSql(query, { least: enough, most }) : exactCellsSql(query);
    try {
      await this.#data.run(`CREATE TEMP TABLE ${name} AS ${sql}`);
      const cells = await readCells(this.#data, query, table);
      const magnitudes = magnitudesOf(query);
      const isSettled = (cell: CellEvidence): boolean => isClear(cell, profile, magnitudes);
      await settleCells(this.#data, { query, cells, table, enough, isClear: isSettled });
      await addStatistics(this.#data, { query, cells, table, enough, counting, ...clearness(profile) });
      const splits = await runSplitTests(this.#data, query, most);
      const groups = await readGroupShares(this.#data, query, table);
      return { table, evidence: { classes: query.subjects.length, cells, splits, groups } };
    } catch (error) {
      await this.#drop(table);
      throw error;
    }
  }

  async #drop(table: string): Promise<void> {
    await this.#data.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

/** What decides the cells and their evidence: not what is made of the cells afterwards. */
export function leafKey(
  { tables, from, where, subjects, keys, aggregates }: SafeQuery,
  profile: EgressProfile,
): string {
  return JSON.stringify([withoutPlaces([tables, from, where, subjects, keys, aggregates]), profile]);
}

/** When bounds leave the rules in no doubt. */
function clearness(profile: EgressProfile): Pick<StatisticsInput, "isClearPair" | "isClearQuantile"> {
  return {
    isClearPair: (pair) => isClearPair(pair, profile),
    isClearQuantile: (quantile) => isFar(quantile, profile),
  };
}
