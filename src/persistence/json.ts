import { type RawBuilder, sql } from "kysely";

/**
 * A value for a jsonb column. Sent as text and cast: the drivers disagree about arrays (pg makes SQL arrays of
 * them) and about strings, but not about text.
 */
export function json<T>(value: T): RawBuilder<T> {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError("jsonb cannot carry undefined");
  return sql<T>`cast(${text} as jsonb)`;
}
