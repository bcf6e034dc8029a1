import { type RawBuilder, sql } from "kysely";

/** Half of what an organisation has used is forgotten after this. */
const HALF_LIFE_MS = 60_000;

/** What is left of it after so long. */
export function decayed(ms: number, afterMs: number): number {
  return ms * 2 ** (-Math.max(0, afterMs) / HALF_LIFE_MS);
}

/** The same of the columns `cpu_ms` and `at` of a row of `organisation_use`, by the name that it has in the statement. */
export function decayedUse(row: string, now: Date): RawBuilder<number> {
  const afterMs = sql`extract(epoch from (${now}::timestamptz - ${sql.ref(`${row}.at`)})) * 1000`;
  return sql`${sql.ref(`${row}.cpu_ms`)} * power(2, -greatest(0, ${afterMs}) / ${HALF_LIFE_MS}::float8)`;
}
