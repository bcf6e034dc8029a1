/** A seeded source of chance: the same seed gives the same city on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  unit(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  pick<T>(items: readonly T[]): T;
  /** Standard normal. */
  normal(): number;
}

/** sfc32 (Chris Doty-Humphrey), seeded through splitmix32. */
export function createRandom(seed: number): Random {
  const state = new Uint32Array(4);
  fillFromSeed(state, seed);
  const unit = (): number => nextWord(state) / 0x1_0000_0000;
  const integer = (below: number): number => Math.floor(unit() * below);
  return {
    unit,
    integer,
    pick: (items) => {
      const item = items[integer(items.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
    // Box and Muller; 1 - u keeps the logarithm away from zero.
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
  };
}

/** Draws items in proportion to their weights. */
export function weighted<T>(items: readonly { weight: number; value: T }[]): (random: Random) => T {
  let sum = 0;
  const bounds = items.map(({ weight }) => (sum += weight));
  return (random) => {
    const at = random.unit() * sum;
    const item = items[bounds.findIndex((bound) => at < bound)];
    if (!item) throw new RangeError("nothing to pick from");
    return item.value;
  };
}

function fillFromSeed(state: Uint32Array, seed: number): void {
  let a = seed >>> 0;
  for (let i = 0; i < 4; i++) {
    a = (a + 0x9e37_79b9) >>> 0;
    let t = a ^ (a >>> 16);
    t = Math.imul(t, 0x21f0_aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a_2d97);
    state[i] = t ^ (t >>> 15);
  }
}

function nextWord(state: Uint32Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = state;
  const sum = (a + b + d) >>> 0;
  state[3] = d + 1;
  state[0] = b ^ (b >>> 9);
  state[1] = c + (c << 3);
  state[2] = ((c << 21) | (c >>> 11)) + sum;
  return sum;
}
