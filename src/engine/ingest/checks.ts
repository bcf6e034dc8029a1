import type { DuckDBConnection } from "@duckdb/node-api";
import { ingestFailed, type FailurePlace } from "./failure.ts";
import type { Source, SourceColumn } from "./source.ts";

/** What one look at all rows told. */
export interface Profile {
  rowCount: number;
  /** Approximate number of distinct values of each column; of the subject key 0, whose values are counted as subjects. */
  approxDistinct: number[];
}

interface Rule {
  column: SourceColumn;
  /** SQL condition of a row that must not be. */
  broken: string;
  message: string;
}

const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\))$/;

/** Counts, and checks that measures lie within their declared bounds. The subject key is not read. */
export async function profileSource(
  connection: DuckDBConnection,
  source: Source,
  subjectKey: string | undefined,
): Promise<Profile> {
  const rules = rulesOf(source.columns);
  const items = [
    "count(*)",
    ...source.columns.map(({ spec, expression }) =>
      spec.name === subjectKey ? "0" : `approx_count_distinct(${expression})`,
    ),
    ...rules.map(({ broken }) => `count(*) FILTER (WHERE ${broken})`),
  ];
  const reader = await connection.runAndReadAll(`SELECT ${items.join(", ")} FROM ${source.relation}`);
  const [rowCount, ...counts] = reader.getRows()[0]!.map(Number);
  const broken = rules.findIndex((_, i) => counts[source.columns.length + i]! > 0);
  if (broken >= 0) throw await failureOf(connection, source, rules[broken]!);
  return { rowCount: rowCount!, approxDistinct: counts.slice(0, source.columns.length) };
}

function rulesOf(columns: readonly SourceColumn[]): Rule[] {
  return columns.flatMap((column): Rule[] => {
    const { spec, expression, type } = column;
    const rules: Rule[] = [];
    if (spec.bounds && spec.role === "measure") {
      if (!NUMERIC.test(type)) throw ingestFailed("bounds need a column of numbers", { column: spec.name });
      // NaN is above every number for DuckDB
      const broken = `NOT coalesce(${expression} BETWEEN ${numberSql(spec.bounds[0])} AND ${numberSql(spec.bounds[1])}, true)`;
      rules.push({ column, broken, message: "a value of a measure lies outside its declared bounds" });
    }
    return rules;
  });
}

function numberSql(value: number): string {
  return `${value}::DOUBLE`;
}

async function failureOf(
  connection: DuckDBConnection,
  source: Source,
  { column, broken, message }: Rule,
): Promise<Error> {
  const reader = await connection.runAndReadAll(`SELECT min(sluice_row) FROM ${source.numbered} WHERE ${broken}`);
  const place: FailurePlace = { row: Number(reader.getRows()[0]![0]), column: column.spec.name };
  return ingestFailed(message, place);
}

/** Statistics are published to two significant digits only. */
export function twoDigits(count: number): number {
  return count < 100 ? count : Number(count.toPrecision(2));
}
