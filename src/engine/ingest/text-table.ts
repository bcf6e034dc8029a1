import type { DuckDBConnection } from "@duckdb/node-api";
import type { ProductColumn } from "#contract/product.ts";
import { ingestFailed } from "./failure.ts";
import type { IngestSession } from "./session.ts";
import type { Source } from "./source.ts";
import { NUMBER_TYPES, TEXT_TYPES, type TextType } from "./text-types.ts";

const SAMPLE_ROWS = 20_480;

interface TextColumn {
  spec: ProductColumn;
  /** `c0`, `c1` … of the table `source`. */
  reference: string;
  candidates: readonly TextType[];
}

/** Finds the types of the text columns `c0`, `c1` … of the table `source` by looking at every row. */
export async function typeTextColumns(session: IngestSession, columns: readonly ProductColumn[]): Promise<Source> {
  const types = await detectTypes(
    session.connection,
    columns.map((spec, i) => ({ spec, reference: `c${i}`, candidates: candidatesFor(spec) })),
  );
  return tableSource(columns.map((spec, i) => ({ spec, ...typedColumn(`c${i}`, types[i]!) })));
}

/** The table `source` with the given columns; its rows lie in the order of the source. */
export function tableSource(columns: Source["columns"]): Source {
  return { relation: "source", numbered: "(SELECT rowid + 1 AS sluice_row, * FROM source)", columns };
}

/** An empty text is no value of any other type than VARCHAR. */
function typedColumn(reference: string, type: string): { expression: string; type: string } {
  if (type === "VARCHAR") return { expression: reference, type };
  return { expression: `CAST(nullif(${reference}, '') AS ${type})`, type };
}

/** INVARIANT: what identifies (identity numbers, keys) keeps every digit: it stays text. */
function candidatesFor({ role }: ProductColumn): readonly TextType[] {
  return role === "identifier" || role === "subject_key" ? [] : TEXT_TYPES;
}

/** Types of numbers that were read as text (JSON numbers), for `references` of the table `source`. */
export function detectNumbers(
  connection: DuckDBConnection,
  columns: readonly { spec: ProductColumn; reference: string }[],
): Promise<string[]> {
  return detectTypes(
    connection,
    columns.map((column) => ({ ...column, candidates: NUMBER_TYPES })),
  );
}

/**
 * A sample rules candidates out; the first that is left must then hold for all rows, else the next is tried. A column
 * without any value is VARCHAR.
 */
async function detectTypes(connection: DuckDBConnection, columns: readonly TextColumn[]): Promise<string[]> {
  const sample = `(SELECT * FROM source LIMIT ${SAMPLE_ROWS})`;
  const sampled = await countMisfits(connection, sample, columns.flatMap(testsOf));
  const open = columns.map((column) => ({
    column,
    rest: column.candidates.filter((candidate) => sampled.get(keyOf(column, candidate))!.misfits === 0),
  }));
  const types = columns.map(() => "VARCHAR");
  let pending = open.map((entry, index) => ({ ...entry, index })).filter(({ rest }) => rest.length > 0);
  while (pending.length > 0) {
    const tests = pending.map(({ column, rest }) => ({ column, candidate: rest[0]! }));
    const counts = await countMisfits(connection, "source", tests);
    for (const { column, rest, index } of pending) {
      const { values, misfits } = counts.get(keyOf(column, rest[0]!))!;
      if (values > 0 && misfits === 0) types[index] = rest[0]!.type;
      if (values === 0 || misfits === 0) rest.length = 0;
      else rest.shift();
    }
    pending = pending.filter(({ rest }) => rest.length > 0);
  }
  await refuseTextMeasures(connection, columns, types);
  return types;
}

interface Test {
  column: TextColumn;
  candidate: TextType;
}

function testsOf(column: TextColumn): Test[] {
  return column.candidates.map((candidate) => ({ column, candidate }));
}

function keyOf(column: TextColumn, candidate: TextType): string {
  return `${column.reference} ${candidate.type}`;
}

function checkOf({ column, candidate }: Test): string {
  return candidate.check(column.reference, column.spec.role === "measure");
}

type Counts = Map<string, { values: number; misfits: number }>;

async function countMisfits(connection: DuckDBConnection, relation: string, tests: readonly Test[]): Promise<Counts> {
  if (tests.length === 0) return new Map();
  const items = tests.flatMap((test) => {
    const { reference } = test.column;
    return [
      `count(nullif(${reference}, ''))`,
      `count(*) FILTER (WHERE ${reference} <> '' AND NOT coalesce(${checkOf(test)}, false))`,
    ];
  });
  const reader = await connection.runAndReadAll(`SELECT ${items.join(", ")} FROM ${relation}`);
  const row = reader.getRows()[0]!.map(Number);
  return new Map(
    tests.map((test, i) => [keyOf(test.column, test.candidate), { values: row[i * 2]!, misfits: row[i * 2 + 1]! }]),
  );
}

/** A measure is a number (or a truth value or a time): text in it is a mistake, and its row is named. */
async function refuseTextMeasures(
  connection: DuckDBConnection,
  columns: readonly TextColumn[],
  types: readonly string[],
): Promise<void> {
  const double = NUMBER_TYPES.find(({ type }) => type === "DOUBLE")!;
  for (const [i, column] of columns.entries()) {
    if (column.spec.role !== "measure" || types[i] !== "VARCHAR") continue;
    const misfit = `${column.reference} <> '' AND NOT coalesce(${checkOf({ column, candidate: double })}, false)`;
    const reader = await connection.runAndReadAll(`SELECT min(rowid) + 1 FROM source WHERE ${misfit}`);
    const row = reader.getRows()[0]![0];
    if (row === null) continue;
    throw ingestFailed("a value of a measure is not a number", { row: Number(row), column: column.spec.name });
  }
}
