/** Runs a seccomp filter as the kernel does, over the call it would be shown (struct seccomp_data). */
export interface Call {
  number: number;
  architecture: number;
  /** Up to six, low 32 bits; the upper halves are `upper`. */
  arguments?: readonly number[];
  upper?: number;
}

export type Outcome = "allow" | "kill" | `errno ${number}`;

const MOST_STEPS = 4096;

/** Throws for a program that the kernel would not take: an unknown instruction, or a jump out of it. */
export function runFilter(filter: Buffer, call: Call): Outcome {
  const data = dataOf(call);
  let accumulator = 0;
  let at = 0;
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    if (at * 8 + 8 > filter.byteLength) throw new Error("the program runs over its end");
    const code = filter.readUInt16LE(at * 8);
    const constant = filter.readUInt32LE(at * 8 + 4);
    const jump = (taken: boolean) => 1 + filter.readUInt8(at * 8 + (taken ? 2 : 3));
    if (code === 0x06) return outcomeOf(constant);
    if (code === 0x20) accumulator = data.readUInt32LE(constant);
    else if (code === 0x54) accumulator = (accumulator & constant) >>> 0;
    else if (code !== 0x15 && code !== 0x35) throw new Error(`instruction ${code}`);
    at += code === 0x15 ? jump(accumulator === constant) : code === 0x35 ? jump(accumulator >= constant) : 1;
  }
  throw new Error("the program does not end");
}

function dataOf({ number, architecture, arguments: values = [], upper = 0 }: Call): Buffer {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(architecture, 4);
  for (let i = 0; i < 6; i++) {
    data.writeUInt32LE((values[i] ?? 0) >>> 0, 16 + 8 * i);
    data.writeUInt32LE(upper, 20 + 8 * i);
  }
  return data;
}

function outcomeOf(constant: number): Outcome {
  if (constant === 0x7fff_0000) return "allow";
  if (constant === 0x8000_0000) return "kill";
  if ((constant & 0xffff_0000) === 0x0005_0000) return `errno ${constant & 0xffff}`;
  throw new Error(`return of ${constant.toString(16)}`);
}
