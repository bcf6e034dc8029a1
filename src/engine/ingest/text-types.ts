/** A type that a column of text may turn out to have. Checks and casts are SQL over a column reference. */
export interface TextType {
  type: string;
  /** True for every non-empty value that the type carries without loss. */
  check(column: string, lossy: boolean): string;
}

const INTEGER = "^[+-]?(0|[1-9][0-9]*)$";
const NUMBER = "^[+-]?((0|[1-9][0-9]*)(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?$";
const NAMED_NUMBER = "^[+-]?(?i:nan|inf|infinity)$";
/** An integer with so many digits changes when it becomes a DOUBLE. */
const LONG_INTEGER = "^[+-]?[0-9]{16,}$";
const DAY = "[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}";
const TIME = "[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,6})?)?";
const ZONE = "( ?(Z|[+-][0-9]{2}(:?[0-9]{2})?))";

function matching(type: string, pattern: string): TextType {
  return { type, check: (column) => `${matches(column, pattern)} AND ${casts(column, type)}` };
}

function matches(column: string, pattern: string): string {
  return `regexp_matches(${column}, '${pattern}')`;
}

function casts(column: string, type: string): string {
  return `TRY_CAST(${column} AS ${type}) IS NOT NULL`;
}

/** Most specific first. An integer with a leading zero is a code, so no number type takes it. */
export const TEXT_TYPES: readonly TextType[] = [
  matching("BOOLEAN", "^(?i:true|false)$"),
  matching("BIGINT", INTEGER),
  matching("HUGEINT", INTEGER),
  {
    type: "DOUBLE",
    check: (column, lossy) =>
      `((${matches(column, NUMBER)} AND isfinite(TRY_CAST(${column} AS DOUBLE))` +
      `${lossy ? "" : ` AND NOT ${matches(column, LONG_INTEGER)}`}) OR ${matches(column, NAMED_NUMBER)})`,
  },
  matching("DATE", `^${DAY}$`),
  matching("TIMESTAMP", `^${DAY}[ T]${TIME}$`),
  matching("TIMESTAMP WITH TIME ZONE", `^${DAY}[ T]${TIME}${ZONE}$`),
  matching("TIME", `^${TIME}$`),
];

export const NUMBER_TYPES: readonly TextType[] = TEXT_TYPES.filter(({ type }) =>
  ["BIGINT", "HUGEINT", "DOUBLE"].includes(type),
);
