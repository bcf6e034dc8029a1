/** What is known about the cells of one query, without the released values. */
export interface Evidence {
  /** Classes of subjects; 0 when only public tables were read. */
  classes: number;
  cells: CellEvidence[];
  splits: SplitTest[];
  groups: GroupShares[];
}

/** How many of the people whom a condition on a sensitive column is asked about it holds for, without that condition. */
export interface GroupShares {
  /** Aggregates whose FILTER asks it; absent when WHERE does, for all. */
  aggregates?: number[];
  /** On which side the people of the named values are. */
  sides: ("inside" | "outside")[];
  /** Per cell and class of subjects. */
  cells: { cell: number; holds: number[]; all: number[] }[];
  /** Keys for which there are people, and none for whom it holds. */
  empty: number;
}

export interface CellEvidence {
  cell: number;
  /** Its keys as text, NULL where a key is; none beyond what a reviewer reads. */
  keys: readonly unknown[];
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
  /** For quantiles, one for each point. The bin is exact; counts may be bounds, at least so many. */
  quantiles?: QuantileEvidence[];
  /** For statistics of two measures. Bounds where they leave no doubt: at least such counts and totals, at most such largest. */
  pair?: PairEvidence;
  /** For counts of different values: subjects of the rarest, or at least so many when they are enough. */
  fewestPerValue?: number;
}

/** What subjects contribute to a sum of magnitudes. */
export interface ContributionEvidence {
  nonNeutral: number;
  offMode: number;
  total: number;
  largest: [number, number];
}

export interface PairEvidence {
  /** Subjects with a row that has both values. */
  subjects: number;
  /** Share of the spread of y that the line explains. */
  fit: number;
  /** Squared deviations of x and of y from their means, and products of deviations. */
  xx: ContributionEvidence;
  yy: ContributionEvidence;
  xy: ContributionEvidence;
}

/** What lies around one quantile of one cell. */
export interface QuantileEvidence {
  /** Fraction of the rows. */
  point: number;
  /** Subjects with a value, and with one at most and at least as high as the quantile. */
  subjects: number;
  atMost: number;
  atLeast: number;
  /** Width of the narrowest bin that holds enough subjects, in units of the column; absent when none does. */
  binUnits?: number;
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
