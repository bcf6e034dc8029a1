import type { DuckDBConnection } from "@duckdb/node-api";
import { encodeArrowStream } from "#engine/arrow/index.ts";
import { renderTable, type RenderOptions } from "#engine/render/index.ts";

/** A result as Arrow bytes. */
export async function arrowOf(connection: DuckDBConnection, sql: string): Promise<Uint8Array> {
  const { bytes } = await encodeArrowStream(await connection.stream(sql), { maxRows: 1e9, maxBytes: 1e9 });
  return bytes;
}

export function render(bytes: Uint8Array, options: Partial<RenderOptions> & Pick<RenderOptions, "format">): Buffer {
  return Buffer.from(renderTable(bytes, { suppressed: 0, notes: [], ...options }));
}
