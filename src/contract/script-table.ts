/**
 * A query's result on its way from the engine to a script: an Arrow IPC stream, and this JSON beside it, which says
 * where in the stream everything lies. The isolate needs no parser of Arrow's metadata then, and nobody makes an object
 * per row before a script asks for rows.
 */
export interface ScriptTable {
  columns: { name: string; type: string }[];
  rowCount: number;
  /** Cells that pre-review suppressed; they are NULL. */
  suppressed: number;
  notes: { rule: string; message: string }[];
  layout: ScriptTableLayout;
}

export interface ScriptTableLayout {
  fields: ScriptTableField[];
  dictionaries: (ScriptTableBatch & { id: number })[];
  batches: ScriptTableBatch[];
}

/** Arrow's type with its parameters (`kind`, `bits`, `scale`, `unit` …; names of `src/engine/arrow/field.ts`). */
export interface ScriptTableField {
  name: string;
  kind: string;
  /** `HUGEINT`, `UHUGEINT` or `arrow.uuid`, where Arrow's type alone does not tell. */
  mark?: string;
  dictionary?: number;
  indexBits?: number;
  children: ScriptTableField[];
}

/** Nodes and buffers in Arrow's depth-first order of the fields. */
export interface ScriptTableBatch {
  rows: number;
  /** Length and number of NULLs. */
  nodes: [number, number][];
  /** Offset from the start of the stream, and length, in bytes. */
  buffers: [number, number][];
}
