import { displayWidth, padEnd, padStart } from "./width.ts";
import { printable } from "./printable.ts";

export interface TextColumn {
  title: string;
  /** Numbers stand at the right; undefined lets the values decide. */
  right?: boolean | undefined;
}

const GAP = "  ";
const NUMERIC = /^-?\d[\d,]*(\.\d+)?([eE][-+]?\d+)?%?$/;

/** A plain table with a ruled heading; wide characters keep the columns straight. */
export function formatTable(columns: readonly TextColumn[], rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row) => columns.map((_, index) => cellText(row[index])));
  const widths = columns.map(({ title }, index) =>
    cells.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? "")), displayWidth(printable(title))),
  );
  const right = columns.map((column, index) => column.right ?? isNumeric(cells, index));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => (right[index] ? padStart(cell, widths[index] ?? 0) : padEnd(cell, widths[index] ?? 0)))
      .join(GAP)
      .trimEnd();
  const heading = line(columns.map(({ title }) => printable(title)));
  const rule = widths.map((width) => "─".repeat(width)).join(GAP);
  return [heading, rule, ...cells.map(line)].join("\n");
}

/** Two columns, names and values; absent values are left out. */
export function formatFields(fields: readonly (readonly [string, unknown])[]): string {
  const shown = fields.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(0, ...shown.map(([name]) => displayWidth(name)));
  return shown.map(([name, value]) => `${padEnd(name, width)}  ${cellText(value)}`).join("\n");
}

/** A suppressed or absent value is a dash. */
function cellText(value: unknown): string {
  if (value === null || value === undefined) return "—";
  if (typeof value === "string") return printable(value);
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  return printable(JSON.stringify(value));
}

function isNumeric(cells: readonly (readonly string[])[], index: number): boolean {
  const values = cells.map((row) => row[index] ?? "").filter((value) => value !== "—");
  return values.length > 0 && values.every((value) => NUMERIC.test(value));
}
