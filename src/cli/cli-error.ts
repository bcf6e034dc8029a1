import { isAppError } from "#kernel/errors.ts";
import { ClientError } from "#client/index.ts";

/** 0 done, 1 refused or failed, 2 the command was called wrongly. */
export type ExitStatus = 0 | 1 | 2;

/** A failure of the command line itself: a file, a profile, an argument. */
export class CliError extends Error {
  readonly code: string;
  readonly status: ExitStatus;

  constructor(code: string, message: string, options: { status?: ExitStatus; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CliError";
    this.code = code;
    this.status = options.status ?? 1;
  }
}

/** Arguments that the parser accepts one by one but that make no sense together. */
export function usageError(message: string): CliError {
  return new CliError("usage", message, { status: 2 });
}

export interface ErrorReport {
  code: string;
  message: string;
  details?: Record<string, unknown> | undefined;
}

/** What is told of an error. A bug is told as such; its stack is for `SLUICE_DEBUG`. */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof CliError) return { code: error.code, message: error.message };
  if (isAppError(error) || error instanceof ClientError) {
    return { code: error.code, message: error.message + reasonsIn(error.details), details: error.details };
  }
  if (error instanceof Error && error.name === "AbortError") return { code: "interrupted", message: "Interrupted" };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message: `${message} (a bug: set SLUICE_DEBUG=1 for its stack)` };
}

/** Codes that say more, e.g. which link of the chain of authority does not hold. */
function reasonsIn(details: Record<string, unknown> | undefined): string {
  const reasons = details?.["reasons"];
  return Array.isArray(reasons) && reasons.length > 0 ? ` (${reasons.map(String).join(", ")})` : "";
}
