import { ingestFailed } from "./failure.ts";

const INTEGER = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/;
const FRACTION = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const PLAIN = /^(VARCHAR|UUID|DATE|BOOLEAN|BLOB|TIME|TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE|ENUM\(.*\))$/;

/**
 * SQL of the one text that a key has in all formats: an integer is its digits, whatever it was stored as (7, 7.0 and
 * the text `7` are one subject), a text stays as it is (`007` is another). Injective for each type.
 */
export function subjectText(reference: string, type: string, column: string): string {
  const text = `CAST(${reference} AS VARCHAR)`;
  if (INTEGER.test(type) || PLAIN.test(type)) return text;
  if (!FRACTION.test(type)) throw ingestFailed("a column of this type cannot be a subject key", { column });
  const whole = `TRY_CAST(${reference} AS HUGEINT)`;
  return `CASE WHEN TRY_CAST(${whole} AS ${type}) = ${reference} THEN CAST(${whole} AS VARCHAR) ELSE ${text} END`;
}
