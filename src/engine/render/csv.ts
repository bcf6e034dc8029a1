import type { Cell } from "./cells.ts";
import { jsonValue } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { Table } from "./read-table.ts";

/** What makes a spreadsheet take a text for a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/**
 * RFC 4180 in UTF-8. NULL is an empty field, the empty text is `""`. A text that would begin a formula gets a `'` in
 * front; numbers, dates and times stay as they are. Nested values are JSON.
 */
export function renderCsv(table: Table): Uint8Array {
  const kinds = table.columns.map((column) => column.kind);
  const lines = [table.columns.map(({ name }) => quoted(neutral(name))).join(",")];
  for (const row of table.rows()) lines.push(row.map((cell, i) => field(cell, kinds[i]!)).join(","));
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(""));
}

function field(cell: Cell, kind: Kind): string {
  if (cell === null) return "";
  const value = jsonValue(cell, kind);
  if (kind.kind === "text") return quoted(neutral(value as string));
  return quoted(typeof value === "string" ? value : JSON.stringify(value));
}

function neutral(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return text === "" || NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
