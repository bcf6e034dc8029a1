import {
  createColumn,
  encodeVectors,
  OutputTooLarge,
  typeName,
  type EncodedTable,
  type OutputLimits,
} from "../arrow/index.ts";
import { inferType } from "./infer-type.ts";
import { InvalidTable } from "./invalid-table.ts";
import { jsonVector } from "./json-vector.ts";
import { parseType } from "./parse-type.ts";

const MOST_COLUMNS = 1000;
const LONGEST_NAME = 128;

interface DeclaredColumn {
  name: string;
  type: string | undefined;
}

/**
 * Makes an Arrow stream of `{ columns?: { name, type? }[], rows: unknown[][] | object[] }` that a script returned. A
 * column without a declared type gets BOOLEAN, BIGINT (safe integers), DOUBLE or VARCHAR, whichever fits all of its
 * values. A declared type takes the forms that `ReleasedTable` has for it. Throws `InvalidTable` and `OutputTooLarge`.
 */
export function tableFromJson(value: unknown, limits: OutputLimits): EncodedTable {
  const { rows, declared } = parseTable(value);
  if (rows.length > limits.maxRows) throw new OutputTooLarge("rows");
  const columns = columnsOf(rows, declared);
  const values = columns.map((column, i) => valuesOf(rows, column.name, i));
  const made = columns.map(({ name, type }, i) => {
    const found = type === undefined ? inferType(name, values[i]!) : parseType(name, type);
    return { found, column: createColumn(name, found, { dictionaries: "used", decimals: "wide", collected: [] }) };
  });
  const vectors = made.map(({ found }, i) => jsonVector(columns[i]!.name, found, values[i]!));
  const bytes = encodeVectors(
    made.map(({ column }) => column),
    vectors,
    rows.length,
  );
  if (bytes.byteLength > limits.maxBytes) throw new OutputTooLarge("bytes");
  return {
    bytes,
    rowCount: rows.length,
    columns: made.map(({ found }, i) => ({ name: columns[i]!.name, type: typeName(found) })),
  };
}

type Row = readonly unknown[] | Readonly<Record<string, unknown>>;

function parseTable(value: unknown): { rows: readonly Row[]; declared: DeclaredColumn[] | undefined } {
  if (!isObject(value)) throw new InvalidTable("a table is an object with `rows`");
  const { rows, columns } = value;
  if (!Array.isArray(rows)) throw new InvalidTable("a table has a list of `rows`");
  const asLists = rows.every((row) => Array.isArray(row));
  if (!asLists && !rows.every(isObject)) throw new InvalidTable("the rows of a table are all lists or all objects");
  return { rows: rows as Row[], declared: columns === undefined ? undefined : parseColumns(columns) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseColumns(columns: unknown): DeclaredColumn[] {
  if (!Array.isArray(columns)) throw new InvalidTable("`columns` of a table is a list");
  return columns.map((column: unknown) => {
    const { name, type } =
      typeof column === "string" ? { name: column, type: undefined } : isObject(column) ? column : {};
    if (typeof name !== "string") throw new InvalidTable("a column of a table has a name");
    if (type !== undefined && typeof type !== "string") throw new InvalidTable("the type of a column is a text", name);
    return { name, type };
  });
}

function columnsOf(rows: readonly Row[], declared: DeclaredColumn[] | undefined): DeclaredColumn[] {
  const columns = declared ?? namesOf(rows).map((name) => ({ name, type: undefined }));
  if (columns.length === 0) throw new InvalidTable("a table has at least one column");
  if (columns.length > MOST_COLUMNS) throw new InvalidTable(`a table has at most ${MOST_COLUMNS} columns`);
  const names = new Set<string>();
  for (const { name } of columns) {
    if (name === "" || name.length > LONGEST_NAME)
      throw new InvalidTable("the name of a column has 1 to 128 characters");
    if (names.has(name)) throw new InvalidTable("the columns of a table have different names", name);
    names.add(name);
  }
  for (const row of rows) {
    if (Array.isArray(row) && row.length !== columns.length) {
      throw new InvalidTable("each row of a table has a value for each column");
    }
    if (!Array.isArray(row) && declared && Object.keys(row).some((key) => !names.has(key))) {
      throw new InvalidTable("a row of the table has a member that is no column");
    }
  }
  return columns;
}

/** Members of the objects, in the order in which they first occur. */
function namesOf(rows: readonly Row[]): string[] {
  const names = new Set<string>();
  for (const row of rows) {
    if (Array.isArray(row)) throw new InvalidTable("a table whose rows are lists needs `columns`");
    for (const name of Object.keys(row)) names.add(name);
    if (names.size > MOST_COLUMNS) throw new InvalidTable(`a table has at most ${MOST_COLUMNS} columns`);
  }
  return [...names];
}

function valuesOf(rows: readonly Row[], name: string, index: number): unknown[] {
  return rows.map((row) => {
    if (Array.isArray(row)) return (row[index] as unknown) ?? null;
    return Object.hasOwn(row, name) ? ((row as Record<string, unknown>)[name] ?? null) : null;
  });
}
