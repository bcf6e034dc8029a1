import type { ProductColumn } from "#contract/product.ts";
import type { Digest } from "#kernel/digest.ts";
import { ingestFailed } from "./failure.ts";

/** The listed columns of a source as DuckDB reads them, in the order of the declaration. */
export interface Source {
  /** What stands after FROM. */
  relation: string;
  /** Likewise, with a column `sluice_row` besides: the row's number from 1. For errors only. */
  numbered: string;
  columns: SourceColumn[];
}

export interface SourceColumn {
  spec: ProductColumn;
  /** SQL over `relation`, of type `type`. */
  expression: string;
  /** DuckDB's name of the type. */
  type: string;
}

export interface OpenedSource extends Source {
  digest: Digest;
  /** Throws when a file was changed while it was read. */
  checkUnchanged(): Promise<void>;
}

export interface FileSource {
  path: string;
  columns: readonly ProductColumn[];
}

/** The declared columns as the source has them; throws for the first that is not there. */
export function requireColumns(columns: readonly ProductColumn[], found: readonly string[]): void {
  const missing = columns.find((column) => !found.includes(column.name));
  if (missing) throw ingestFailed("a declared column is not in the source", { column: missing.name });
}
