import type { ReleasedTable } from "#contract/release.ts";
import { printable } from "./printable.ts";
import { formatTable } from "./table.ts";

const NUMBER_TYPE = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|DOUBLE|FLOAT|REAL|U?Int|Float|Decimal)/i;

/** A released table for people, with what was withheld and why below it. */
export function formatReleasedTable(table: ReleasedTable): string {
  const columns = table.columns.map(({ name, type }) => ({
    title: name,
    right: NUMBER_TYPE.test(type) ? true : undefined,
  }));
  const lines = [formatTable(columns, table.rows)];
  if (table.suppressed > 0) lines.push(`${table.suppressed} suppressed (—)`);
  for (const { rule, message } of table.notes) lines.push(`${printable(rule)}: ${printable(message)}`);
  return lines.join("\n");
}

/** An output that is a table, or a JSON value as it is. */
export function formatReleasedOutput(output: unknown): string {
  return isReleasedTable(output) ? formatReleasedTable(output) : JSON.stringify(output, null, 2);
}

function isReleasedTable(value: unknown): value is ReleasedTable {
  if (typeof value !== "object" || value === null) return false;
  const { columns, rows, notes } = value as Record<string, unknown>;
  return Array.isArray(columns) && Array.isArray(rows) && Array.isArray(notes);
}
