import { type RawBuilder, sql } from "kysely";

/**
 * `with part_0 as (…), …` before a statement: writes that go with it in one round trip. All of them see the tables as they were
 * before; references between their rows are checked when all are done. `named` are those that the statement reads from.
 */
export function withParts(
  parts: readonly RawBuilder<unknown>[],
  named: Readonly<Record<string, RawBuilder<unknown>>> = {},
): RawBuilder<unknown> {
  const all = [...parts.map((part, n): [string, RawBuilder<unknown>] => [`part_${n}`, part]), ...Object.entries(named)];
  if (all.length === 0) return sql``;
  return sql`with ${sql.join(all.map(([name, part]) => sql`${sql.raw(name)} as (${part})`))}`;
}
