import type { ReasonCode } from "#contract/job.ts";
import { OutputTooLarge, UnsupportedType } from "./arrow/index.ts";

/** The engine's answer when a statement cannot be answered: a code of the closed list, nothing that saw data. */
export class QueryFailure extends Error {
  readonly code: ReasonCode;

  constructor(code: ReasonCode, cause?: unknown) {
    super(code, { cause });
    this.name = "QueryFailure";
    this.code = code;
  }
}

/** Errors of a run become codes here; their text may carry values of the data and goes no further. */
export function failureOf(error: unknown): QueryFailure {
  if (error instanceof QueryFailure) return error;
  if (error instanceof OutputTooLarge) return new QueryFailure("output_too_large", error);
  if (error instanceof UnsupportedType) return new QueryFailure("output_invalid", error);
  const text = error instanceof Error ? error.message : "";
  if (text.startsWith("Out of Memory Error")) return new QueryFailure("memory_limit", error);
  if (text.startsWith("INTERRUPT")) return new QueryFailure("timeout", error);
  return new QueryFailure("query_error", error);
}
