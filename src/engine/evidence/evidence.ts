/** What is known about the cells of one query, without the released values. */
export interface Evidence {
  /** Classes of subjects; 0 when only public tables were read. */
  classes: number;
  cells: CellEvidence[];
  splits: SplitTest[];
}

export interface CellEvidence {
  cell: number;
  rows: number;
  /**
   * Whether the numbers are bounds that leave no rule in doubt (`settle.ts`): subjects, contributors, differing
   * contributions and totals at least so large, the largest at most.
   */
  atLeast: boolean;
  /** Whether the subjects at least are counted exactly. */
  counted: boolean;
  /** Distinct subjects, per class. */
  subjects: number[];
  /** What names the set of these subjects, where all of them are counted. */
  sketches: (bigint | undefined)[];
  /** Per aggregate, per class. */
  aggregates: AggregateEvidence[][];
  /** Per class: which filters hold (bits) and how many subjects there are. */
  regions: Region[][];
}

export interface AggregateEvidence {
  nonNull: number;
  nonNeutral: number;
  /** What names the set of contributors, where all of them are counted. */
  sketch: bigint | undefined;
  /**
   * Subjects whose contribution is not the most frequent one; for magnitudes only. At least so many when there are
   * enough for every rule, exactly so many otherwise (`settle.ts`).
   */
  offMode?: number;
  /** Sum of the sizes of contributions, and the two largest. */
  total?: number;
  largest?: [number, number];
}

export interface Region {
  filters: bigint;
  subjects: number;
}

/** Subjects that one condition alone keeps out, or one alternative alone lets in. */
export interface SplitTest {
  /** Aggregate whose FILTER it belongs to; absent for WHERE. */
  aggregate?: number;
  kind: "atom" | "alternative" | "value";
  /** Rows in the group, or some of them; 0 means that nothing is split off. */
  rows: number;
  /** How many of one class are in it, or at least are. */
  subjects: number;
  /** What names their set, where they are few. */
  sketch: bigint | undefined;
}
