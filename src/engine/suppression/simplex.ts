/** Columns of 0, 1 and −1 with a largest value each (smallest: 0); every row must sum to 0. */
export interface ZeroSumProgram {
  rows: number;
  columns: readonly { entries: readonly (readonly [row: number, sign: number])[]; most: number; gain: number }[];
}

const TINY = 1e-9;

/**
 * The largest total gain; Infinity when there is no bound. Primal simplex with bounded variables on a dense tableau. It
 * starts from all zero, which every such program allows, and takes the first improving column (Bland's rule), so it ends.
 */
export function largestGain({ rows, columns }: ZeroSumProgram): number {
  const state = new Tableau(rows, columns);
  for (;;) {
    const entering = state.improving();
    if (entering === undefined) return state.gain;
    if (!state.advance(entering)) return Infinity;
  }
}

class Tableau {
  gain = 0;
  readonly #cells: Float64Array[];
  readonly #reduced: Float64Array;
  readonly #most: Float64Array;
  readonly #atMost: Uint8Array;
  /** Column of each row's basic variable; −1 is the row's own slack, which stays 0. */
  readonly #basic: Int32Array;
  readonly #isBasic: Uint8Array;
  readonly #values: Float64Array;

  constructor(rows: number, columns: ZeroSumProgram["columns"]) {
    this.#cells = Array.from({ length: rows }, () => new Float64Array(columns.length));
    for (const [j, { entries }] of columns.entries()) for (const [i, sign] of entries) this.#cells[i]![j] = sign;
    this.#reduced = Float64Array.from(columns, (column) => column.gain);
    this.#most = Float64Array.from(columns, (column) => column.most);
    this.#atMost = new Uint8Array(columns.length);
    this.#basic = new Int32Array(rows).fill(-1);
    this.#isBasic = new Uint8Array(columns.length);
    this.#values = new Float64Array(rows);
  }

  improving(): number | undefined {
    const found = this.#reduced.findIndex((gain, j) => {
      if (this.#isBasic[j] === 1 || this.#most[j] === 0) return false;
      return this.#atMost[j] === 1 ? gain < -TINY : gain > TINY;
    });
    return found < 0 ? undefined : found;
  }

  /** Moves one variable as far as it goes; false when nothing stops it. */
  advance(entering: number): boolean {
    const direction = this.#atMost[entering] === 1 ? -1 : 1;
    let step = this.#most[entering]!;
    let leaving = -1;
    for (let i = 0; i < this.#cells.length; i++) {
      const change = -this.#cells[i]![entering]! * direction;
      if (Math.abs(change) <= TINY) continue;
      const limit = Math.max(0, this.#room(i, change) / Math.abs(change));
      const isFirst = leaving >= 0 && limit === step && this.#basic[i]! < this.#basic[leaving]!;
      if (limit < step || isFirst) [step, leaving] = [limit, i];
    }
    if (step === Infinity) return false;
    this.gain += step * direction * this.#reduced[entering]!;
    for (let i = 0; i < this.#cells.length; i++) {
      this.#values[i]! -= this.#cells[i]![entering]! * direction * step;
    }
    if (leaving < 0) this.#atMost[entering] = this.#atMost[entering] === 1 ? 0 : 1;
    else this.#pivot(entering, { leaving, value: (direction === 1 ? 0 : this.#most[entering]!) + direction * step });
    return true;
  }

  #room(row: number, change: number): number {
    const column = this.#basic[row]!;
    if (column < 0) return 0;
    return change < 0 ? this.#values[row]! : this.#most[column]! - this.#values[row]!;
  }

  #pivot(entering: number, { leaving, value }: { leaving: number; value: number }): void {
    const gone = this.#basic[leaving]!;
    if (gone >= 0) {
      this.#isBasic[gone] = 0;
      this.#atMost[gone] = this.#values[leaving]! > this.#most[gone]! / 2 ? 1 : 0;
    }
    this.#basic[leaving] = entering;
    this.#isBasic[entering] = 1;
    this.#values[leaving] = value;
    const row = this.#cells[leaving]!;
    const by = row[entering]!;
    for (let j = 0; j < row.length; j++) row[j]! /= by;
    for (const [i, other] of this.#cells.entries()) {
      if (i !== leaving) subtract(other, row, other[entering]!);
    }
    subtract(this.#reduced, row, this.#reduced[entering]!);
  }
}

function subtract(from: Float64Array, row: Float64Array, times: number): void {
  if (times === 0) return;
  for (let j = 0; j < row.length; j++) from[j]! -= times * row[j]!;
}
