import { ingestFailed } from "./failure.ts";

/** Integers that a BIGINT holds. */
const NUMBER = /^(U?(TINY|SMALL)INT|U?INTEGER|BIGINT)$/;
const LONG_INTEGER = /^(UBIGINT|U?HUGEINT)$/;
const FRACTION = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const PLAIN = /^(VARCHAR|UUID|DATE|BOOLEAN|BLOB|TIME|TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE|ENUM\(.*\))$/;

/** How the key of a row is compared with others of the same source. */
export interface SubjectKey {
  /** SQL over the relation of the source: a BIGINT, or the text that a key has in all formats. */
  sql: string;
  kind: "number" | "text";
}

/**
 * The one form that a key has in all formats: an integer is its digits, whatever it was stored as (7, 7.0 and the text
 * `7` are one subject), a text stays as it is (`007` is another). Integers are not made text for each row: that, and
 * comparing it, took most of the time.
 */
export function subjectKey(reference: string, type: string, column: string): SubjectKey {
  if (NUMBER.test(type)) return { sql: `CAST(${reference} AS BIGINT)`, kind: "number" };
  const text = type === "VARCHAR" ? reference : `CAST(${reference} AS VARCHAR)`;
  if (LONG_INTEGER.test(type) || PLAIN.test(type)) return { sql: text, kind: "text" };
  if (!FRACTION.test(type)) throw ingestFailed("a column of this type cannot be a subject key", { column });
  const whole = `TRY_CAST(${reference} AS HUGEINT)`;
  const sql = `CASE WHEN TRY_CAST(${whole} AS ${type}) = ${reference} THEN CAST(${whole} AS VARCHAR) ELSE ${text} END`;
  return { sql, kind: "text" };
}

/**
 * A key as the registry has it, SQL over a column `key` of the given kind: a BIGINT when its text is just the digits
 * of one, else a text; the other is NULL.
 */
export function registryKey(kind: SubjectKey["kind"]): { number: string; text: string } {
  if (kind === "number") return { number: "key", text: "CAST(NULL AS VARCHAR)" };
  const isNumber = "CAST(TRY_CAST(key AS BIGINT) AS VARCHAR) = key";
  return {
    number: `CASE WHEN ${isNumber} THEN TRY_CAST(key AS BIGINT) END`,
    // NULL where the cast fails
    text: `CASE WHEN coalesce(${isNumber}, false) THEN NULL ELSE key END`,
  };
}

/** The way back, over columns `number` and `text` of the registry. */
export function sourceKey(kind: SubjectKey["kind"]): string {
  return kind === "number" ? "number" : "coalesce(text, CAST(number AS VARCHAR))";
}
