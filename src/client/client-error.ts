import { AppError, isErrorCode } from "#kernel/errors.ts";
import type { Problem } from "#contract/common.ts";

/**
 * A failure that is not in the closed table of `#kernel/errors.ts`: the server was not reached (`unreachable`), did
 * not answer in time (`timed_out`), answered something that is not its contract (`bad_answer`), or used a code
 * that this client does not know yet. `status` is 0 when there was no answer.
 */
export class ClientError extends Error {
  readonly code: string;
  readonly status: number;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: string, message: string, options: ClientErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ClientError";
    this.code = code;
    this.status = options.status ?? 0;
    this.details = options.details;
  }
}

export interface ClientErrorOptions {
  status?: number;
  details?: Record<string, unknown> | undefined;
  cause?: unknown;
}

/** Turns an answer with status ≥ 400 into the error that its problem document names. */
export async function errorOfResponse(response: Response): Promise<AppError | ClientError> {
  const problem = parseProblem(await response.text());
  if (!problem) {
    return new ClientError("bad_answer", `The server answered with status ${response.status} and no problem document`, {
      status: response.status,
    });
  }
  const message = problem.detail ?? problem.title;
  const details = detailsOf(problem);
  if (isErrorCode(problem.code)) return new AppError(problem.code, message, { cause: problem, ...details });
  return new ClientError(problem.code, message, { status: response.status, cause: problem, ...details });
}

function detailsOf(problem: Problem): { details?: Record<string, unknown> } {
  if (problem.details === undefined && problem.requestId === undefined) return {};
  return {
    details: { ...problem.details, ...(problem.requestId === undefined ? {} : { requestId: problem.requestId }) },
  };
}

function parseProblem(text: string): Problem | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { code, title } = value as Record<string, unknown>;
  return typeof code === "string" && typeof title === "string" ? (value as Problem) : undefined;
}
