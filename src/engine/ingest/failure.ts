import { AppError } from "#kernel/errors.ts";

export interface FailurePlace {
  /** Row of the data, from 1 (the header of a CSV file is not counted). */
  row?: number | undefined;
  column?: string | undefined;
}

/** The source is at fault. `message` must carry no value of the data; row and column are shown beside it. */
export function ingestFailed(message: string, place: FailurePlace = {}): AppError {
  const details = {
    ...(place.row === undefined ? {} : { row: place.row }),
    ...(place.column === undefined ? {} : { column: place.column }),
  };
  return new AppError("ingest_failed", message, { details });
}

/**
 * DuckDB's messages quote the data, so only the place is taken from them, and the message itself is dropped: not even
 * the log may have it. A CSV "line" counts records, the header included; the place of malformed JSON is one too high.
 */
export function engineFailure(error: unknown, what: string): AppError {
  if (error instanceof AppError) return error;
  const text = error instanceof Error ? error.message : "";
  const record = /^[A-Za-z ]*Error: CSV Error on Line: (\d+)/.exec(text)?.[1];
  const value = /\bin (?:line|record\/value) (\d+)[:.]/.exec(text.split("\n", 1)[0] ?? "")?.[1];
  const found = record ?? value;
  const tooHigh = record !== undefined || /Malformed JSON/.test(text) ? 1 : 0;
  const row = found === undefined ? undefined : Number(found) - tooHigh;
  return ingestFailed(reasonOf(text, what), { row: row !== undefined && row > 0 ? row : undefined });
}

/** DuckDB throws plain errors whose text begins with the kind. */
export function isEngineError(error: unknown): boolean {
  return (
    error instanceof Error && error.constructor === Error && /^([A-Z][A-Za-z ]*Error\b|INTERRUPT)/.test(error.message)
  );
}

const REASONS: readonly [RegExp, string][] = [
  [/^INTERRUPT/i, "the ingest was cancelled"],
  [/Out of Memory/i, "the source needs more memory than the ingest may use"],
  [/Expected Number of Columns/i, "a row has more or fewer columns than the header"],
  [/unterminated quote/i, "a quoted value does not end as it should"],
  [/Invalid unicode|not utf-8/i, "a value is not valid UTF-8"],
  [/Maximum line size/i, "a row is longer than the ingest accepts"],
  [/Malformed JSON/i, "the text is not valid JSON"],
  [/non-record JSON|JSON transform error/i, "each JSON value must be an object"],
  [/parquet/i, "the file is not a readable Parquet file"],
];

function reasonOf(text: string, what: string): string {
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? what;
}
