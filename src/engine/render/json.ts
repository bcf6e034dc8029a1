import type { Cell, IntervalCell } from "./cells.ts";
import type { Kind } from "./kind.ts";
import type { Table } from "./read-table.ts";
import {
  bytesText,
  dateText,
  decimalText,
  intervalText,
  shortestFloat,
  timestampText,
  timeText,
  uuidText,
} from "./value-text.ts";

export interface TableNotes {
  suppressed: number;
  notes: readonly { rule: string; message: string }[];
}

/** The table as `ReleasedTable`, a row a line. */
export function renderJson(table: Table, { suppressed, notes }: TableNotes): Uint8Array {
  const columns = table.columns.map(({ name, type }) => ({ name, type }));
  const pieces = [`{"columns":${JSON.stringify(columns)},"rows":[`];
  let first = true;
  for (const row of table.rows()) {
    pieces.push(first ? "\n" : ",\n", JSON.stringify(row.map((cell, i) => jsonValue(cell, table.columns[i]!.kind))));
    first = false;
  }
  pieces.push(`],"suppressed":${JSON.stringify(suppressed)},"notes":${JSON.stringify(notes)}}\n`);
  return Buffer.from(pieces.join(""));
}

/** 64-bit integers and decimals as strings, dates in ISO 8601, NaN and infinities by name, binary in base 64. */
export function jsonValue(cell: Cell, kind: Kind): unknown {
  if (cell === null) return null;
  switch (kind.kind) {
    case "int":
      return kind.bits === 64 ? longText(cell) : cell;
    case "float32":
    case "float64":
      return floatValue(cell as number, kind.kind);
    case "decimal":
      return decimalText(cell as bigint, kind.scale);
    case "uhugeint":
      return longText(cell);
    case "bytes":
      return bytesText(cell as Uint8Array);
    case "uuid":
      return uuidText(cell as Uint8Array);
    case "date":
      return dateText(cell as number);
    case "time":
      return timeText(cell as bigint, kind.unit);
    case "timestamp":
      return timestampText(cell as bigint, kind);
    case "interval":
      return intervalText(cell as IntervalCell);
    default:
      return nestedValue(cell, kind);
  }
}

function nestedValue(cell: Cell, kind: Kind): unknown {
  if (kind.kind === "list") return (cell as readonly Cell[]).map((item) => jsonValue(item, kind.item));
  if (kind.kind === "struct") {
    const entries = (cell as readonly Cell[]).map((entry, i) => [kind.names[i]!, jsonValue(entry, kind.entries[i]!)]);
    return Object.fromEntries(entries);
  }
  if (kind.kind === "map") {
    return (cell as readonly (readonly Cell[])[]).map(([key, value]) => ({
      key: jsonValue(key!, kind.key),
      value: jsonValue(value!, kind.value),
    }));
  }
  return cell;
}

function longText(cell: Cell): string {
  return (cell as bigint).toString();
}

function floatValue(value: number, kind: "float32" | "float64"): number | string {
  if (!Number.isFinite(value)) return String(value);
  return kind === "float32" ? shortestFloat(value) : value;
}
