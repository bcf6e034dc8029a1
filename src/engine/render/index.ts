/**
 * Tables in the formats in which people take them, and tables out of what a script returned. Owns reading Arrow bytes
 * that come from a process which ran untrusted SQL: their structure is checked before any value is looked at.
 *
 * Must never trust a length or an offset of such bytes, never let a text cell begin a spreadsheet formula, and never
 * run outside a confined process.
 */
export { renderTable, type RenderOptions } from "./render-table.ts";
export { tableFromJson } from "./table-from-json.ts";
export { InvalidTable } from "./invalid-table.ts";
