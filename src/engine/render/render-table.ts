import type { ReleaseFormat } from "#contract/release.ts";
import { renderCsv } from "./csv.ts";
import { renderJson, type TableNotes } from "./json.ts";
import { renderParquet } from "./parquet.ts";
import { readTable } from "./read-table.ts";

export interface RenderOptions extends TableNotes {
  format: ReleaseFormat;
  /** Render at most so many rows. Not for `arrow`, whose bytes are passed on as they are. */
  maxRows?: number;
}

/**
 * Turns an Arrow stream into another format. The structure of the bytes is checked whatever the format is: throws
 * `bad_arrow_file` for what is not a table of ours.
 */
export function renderTable(arrow: Uint8Array, options: RenderOptions): Uint8Array {
  const table = readTable(arrow, options.maxRows);
  switch (options.format) {
    case "arrow":
      return arrow;
    case "csv":
      return renderCsv(table);
    case "json":
      return renderJson(table, options);
    case "parquet":
      return renderParquet(table, options);
  }
}
