import { parquetWriteBuffer } from "hyparquet-writer";
import type { Cell } from "./cells.ts";
import { jsonValue, type TableNotes } from "./json.ts";
import { parquetShape, type ParquetShape } from "./parquet-shape.ts";
import type { Table, TableColumn } from "./read-table.ts";

/**
 * Parquet without statistics (a minimum is a value). What Parquet has no type for is written as the text that JSON
 * would have, and the file's key `sluice` names these columns beside suppressions and notes.
 */
export function renderParquet(table: Table, { suppressed, notes }: TableNotes): Uint8Array {
  const cells = columnsOf(table);
  const shapes = table.columns.map((column, i) => shapeFor(column, cells[i]!));
  const columnData = table.columns.map(({ name }, i) => ({
    name,
    data: cells[i]!.map((cell) => shapes[i]!.value(cell)),
  }));
  const asText = table.columns.filter((_, i) => shapes[i]!.text).map(({ name }) => name);
  const buffer = parquetWriteBuffer({
    columnData,
    schema: [{ name: "root", num_children: shapes.length }, ...shapes.flatMap((shape) => shape.elements)],
    statistics: false,
    kvMetadata: [{ key: "sluice", value: JSON.stringify({ suppressed, notes, asText }) }],
    createdBy: "sluice",
  });
  return new Uint8Array(buffer);
}

function columnsOf(table: Table): Cell[][] {
  const columns: Cell[][] = table.columns.map(() => []);
  for (const row of table.rows()) row.forEach((cell, i) => columns[i]!.push(cell));
  return columns;
}

/** A column with a value that its Parquet type cannot hold becomes text as a whole. */
function shapeFor({ name, kind }: TableColumn, cells: readonly Cell[]): ParquetShape {
  const shape = parquetShape(name, kind);
  if (!shape.text && cells.every((cell) => cell === null || shape.fits(cell))) return shape;
  return {
    elements: [{ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }],
    fits: () => true,
    text: true,
    value: (cell) => {
      const value = jsonValue(cell, kind);
      return value === null || typeof value === "string" ? value : JSON.stringify(value);
    },
  };
}
