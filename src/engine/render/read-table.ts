import { RecordBatchReader, type Data, type DataType, type RecordBatch, type Schema } from "apache-arrow";
import { cellReader, type Cell, type CellReader } from "./cells.ts";
import { checkData, checkType } from "./check-data.ts";
import { kindOf, unreadable, type Kind } from "./kind.ts";
import { verifyStream } from "./verify-stream.ts";

export interface TableColumn {
  name: string;
  /** DuckDB's name of the type. */
  type: string;
  kind: Kind;
}

export interface Table {
  columns: TableColumn[];
  rowCount: number;
  /** The rows one after the other; each array is new. */
  rows(): Iterable<Cell[]>;
}

const MOST_COLUMNS = 10_000;

/** Reads an Arrow stream of ours, or a file with `wide` decimals, of at most `maxRows` rows. Throws `bad_arrow_file` for anything else. */
export function readTable(bytes: Uint8Array, maxRows = Infinity): Table {
  const { schema, batches } = parse(bytes);
  const columns = schema.fields.map((field): TableColumn => {
    checkType(field.type as DataType);
    return { name: field.name, type: field.metadata.get("duckdb_type") ?? String(field.type), kind: kindOf(field) };
  });
  // a row takes at least a bit of some column
  const total = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  if (!Number.isSafeInteger(total) || total > bytes.byteLength * 8) throw unreadable();
  const readers = batches.map((batch) => batchReaders(batch, columns));
  const rowCount = Math.min(total, maxRows);
  return {
    columns,
    rowCount,
    *rows() {
      let left = rowCount;
      for (const [i, batch] of batches.entries()) {
        const count = Math.min(left, batch.numRows);
        for (let row = 0; row < count; row++) yield readers[i]!.map((read) => read(row));
        left -= count;
      }
    },
  };
}

function parse(bytes: Uint8Array): { schema: Schema; batches: RecordBatch[] } {
  try {
    const reader = RecordBatchReader.from(verifyStream(bytes));
    reader.open();
    const { schema } = reader;
    if (!schema || schema.fields.length > MOST_COLUMNS) throw unreadable();
    return { schema, batches: ([...reader] as RecordBatch[]).filter((batch) => batch.numRows > 0) };
  } catch (cause) {
    throw unreadable(cause);
  }
}

function batchReaders(batch: RecordBatch, columns: readonly TableColumn[]): CellReader[] {
  return columns.map(({ kind }, i) => {
    const data: Data | undefined = batch.data.children[i];
    if (!data || data.length < batch.numRows) throw unreadable();
    checkData(data);
    return cellReader(data, kind);
  });
}
