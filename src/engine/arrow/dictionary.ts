import { BitmapBuilder, isValid } from "./bitmap.ts";
import { fixedBuilder, type BatchParts, type ColumnBuilder } from "./builder.ts";
import { codesOf, convertCodes, indicesOver } from "./convert.ts";
import { GrowableBytes } from "./growable.ts";

/** The values of one dictionary, complete once the last row was appended (at once for a declared one). */
export interface Dictionary {
  id: number;
  values(): readonly string[];
}

export type CodeBits = 8 | 16 | 32;

/** The narrowest signed index that reaches every value. */
export function indexBitsFor(valueCount: number): CodeBits {
  if (valueCount <= 0x80) return 8;
  return valueCount <= 0x8000 ? 16 : 32;
}

/** Width of DuckDB's codes for an ENUM of so many values. */
export function codeBitsFor(valueCount: number): CodeBits {
  if (valueCount <= 0x100) return 8;
  return valueCount <= 0x10000 ? 16 : 32;
}

interface DictionaryOptions {
  id: number;
  values: readonly string[];
}

/** A dictionary of all values of the ENUM, so that it can be written before the rows. */
export function declaredDictionary(options: DictionaryOptions): { builder: ColumnBuilder; dictionary: Dictionary } {
  const { id, values } = options;
  const indexBits = indexBitsFor(values.length);
  const builder = fixedBuilder(indexBits / 8, convertCodes(codeBitsFor(values.length), indexBits));
  return { builder, dictionary: { id, values: () => values } };
}

/**
 * A dictionary of the values that occur, in order of first occurrence.
 * INVARIANT: a result carries no value of an ENUM's domain that is in none of its rows.
 */
export function usedDictionary(options: DictionaryOptions): { builder: ColumnBuilder; dictionary: Dictionary } {
  const codeBits = codeBitsFor(options.values.length);
  const indexOfCode = new Int32Array(options.values.length).fill(-1);
  const used: string[] = [];
  const builder = fixedBuilder(indexBitsFor(options.values.length) / 8, (rows, { start, count }, { target, at }) => {
    const codes = codesOf(rows, codeBits);
    const indices = indicesOver(target, at, { count, bits: indexBitsFor(options.values.length) });
    for (let i = 0; i < count; i++) {
      if (rows.mask && !isValid(rows.mask, start + i)) continue;
      const code = codes[start + i]!;
      if (indexOfCode[code] === -1) indexOfCode[code] = used.push(options.values[code]!) - 1;
      indices[i] = indexOfCode[code]!;
    }
  });
  return { builder, dictionary: { id: options.id, values: () => used } };
}

/** The one column of a dictionary batch. */
export function dictionaryParts(values: readonly string[]): BatchParts {
  const validity = new BitmapBuilder();
  validity.append(undefined, 0, values.length);
  const bytes = new GrowableBytes();
  const ends = new Int32Array(values.length + 1);
  values.forEach((value, i) => {
    const encoded = Buffer.from(value, "utf8");
    const at = bytes.extend(encoded.byteLength);
    bytes.bytes.set(encoded, at);
    ends[i + 1] = bytes.length;
  });
  return {
    nodes: [{ length: values.length, nullCount: 0 }],
    buffers: [validity.content(), new Uint8Array(ends.buffer), bytes.content()],
  };
}
