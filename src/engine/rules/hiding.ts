import type { Evidence, Suppression } from "../evidence/index.ts";
import type { SafeQuery } from "../gate/index.ts";
import { PRIMARY, SECONDARY, SHOWN, type Interval } from "../suppression/index.ts";
import { isCount } from "./quantities.ts";
import type { RuleOutcome } from "./rule.ts";

/** One leaf of a linked set: tables, joins and conditions are the same in all of them. */
export interface LinkedLeaf {
  leaf: number;
  query: SafeQuery;
  evidence: Evidence;
  suppressed: readonly Suppression[];
  /** It is no part of the statement: it has the keys of all others. */
  isCompanion?: boolean;
}

/** What R17 hides besides, by leaf. */
export interface LinkedJudgement {
  outcomes: RuleOutcome[];
  /** Per leaf of the set: what is hidden now. */
  suppressed: ReadonlyMap<number, Suppression[]>;
  /** Per leaf and cell that rules have hidden whole: how far off its number of rows could be for who sees the release. */
  open: ReadonlyMap<number, ReadonlyMap<number, Interval>>;
}

/** What is hidden in the leaves of a set, by rules and for their sake. */
export class Hiding {
  readonly #leaves: ReadonlyMap<number, { query: SafeQuery; cells: Map<number, Suppression> }>;
  readonly #added = new Map<number, Map<number, Set<number>>>();
  readonly #open = new Map<number, Map<number, Interval>>();

  readonly #companion: number | undefined;

  constructor(leaves: readonly LinkedLeaf[]) {
    this.#companion = leaves.find(({ isCompanion }) => isCompanion)?.leaf;
    this.#leaves = new Map(
      leaves.map(({ leaf, query, suppressed }) => [
        leaf,
        { query, cells: new Map(suppressed.map((one) => [one.cell, one])) },
      ]),
    );
  }

  query(leaf: number): SafeQuery {
    return this.#leaves.get(leaf)!.query;
  }

  #isUnseen(leaf: number): boolean {
    return leaf === this.#companion;
  }

  /** A whole cell is hidden by R1, or when the number of its rows is. */
  rowStatus(leaf: number, cell: number): 0 | 1 | 2 {
    const { query, cells } = this.#leaves.get(leaf)!;
    const own = cells.get(cell);
    if (!own) return this.#isUnseen(leaf) ? SECONDARY : SHOWN;
    const isWhole = own.dropRow || [...own.because].some(([i, rule]) => rule === "R1" || isCount(query.aggregates[i]!));
    return isWhole ? PRIMARY : this.#isUnseen(leaf) ? SECONDARY : SHOWN;
  }

  /** Hidden by a rule, or so far only for the sake of others. */
  status(leaf: number, cell: number, aggregates: readonly number[]): 0 | 1 | 2 {
    const isIn = (hidden: ReadonlySet<number> | undefined): boolean =>
      hidden !== undefined && aggregates.some((i) => hidden.has(i));
    if (isIn(this.#leaves.get(leaf)!.cells.get(cell)?.aggregates)) return PRIMARY;
    return isIn(this.#added.get(leaf)?.get(cell)) ? SECONDARY : SHOWN;
  }

  add({ leaf, cell, aggregates }: { leaf: number; cell: number; aggregates: readonly number[] }): void {
    const known = this.#leaves.get(leaf)!.cells.get(cell)?.aggregates;
    const open = aggregates.filter((i) => known?.has(i) !== true);
    if (open.length === 0) return;
    const cells = this.#added.get(leaf) ?? new Map<number, Set<number>>();
    this.#added.set(leaf, cells);
    cells.set(cell, new Set([...(cells.get(cell) ?? []), ...open]));
  }

  setOpen({ leaf, cell }: { leaf: number; cell: number }, interval: Interval): void {
    this.#open.set(leaf, (this.#open.get(leaf) ?? new Map<number, Interval>()).set(cell, interval));
  }

  judgement(outcome: Omit<RuleOutcome, "suppress">): LinkedJudgement {
    const suppressed = new Map([...this.#leaves].map(([leaf, { cells }]) => [leaf, this.#merged(leaf, cells)]));
    return {
      outcomes: [...this.#added.keys()].every((leaf) => this.#isUnseen(leaf)) ? [] : [{ ...outcome, suppress: [] }],
      suppressed,
      open: this.#open,
    };
  }

  #merged(leaf: number, cells: ReadonlyMap<number, Suppression>): Suppression[] {
    const added = this.#added.get(leaf) ?? new Map<number, Set<number>>();
    const all = [...new Set([...cells.keys(), ...added.keys()])].toSorted((a, b) => a - b);
    return all.map((cell) => {
      const own = cells.get(cell);
      const because = new Map(own?.because);
      for (const i of added.get(cell) ?? []) because.set(i, "R17");
      return { cell, aggregates: new Set(because.keys()), because, dropRow: own?.dropRow ?? false };
    });
  }
}
