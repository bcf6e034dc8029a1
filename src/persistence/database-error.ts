import { AppError, isAppError } from "#kernel/errors.ts";

/**
 * What may be known of a failed statement: SQLSTATE, names of the schema, and a message without row values.
 * The driver's own error is dropped on purpose: its `detail`, `where` and `params` carry values.
 */
export class DatabaseError extends Error {
  readonly sqlState: string;
  readonly constraint: string | undefined;
  readonly table: string | undefined;

  constructor(
    message: string,
    fields: { sqlState: string; constraint?: string | undefined; table?: string | undefined },
  ) {
    super(message);
    this.name = "DatabaseError";
    this.sqlState = fields.sqlState;
    this.constraint = fields.constraint;
    this.table = fields.table;
  }
}

const UNIQUE_VIOLATION = "23505";
const FOREIGN_KEY_VIOLATION = "23503";
/** SQLSTATE of what may be run again as it is: a serialization failure. */
export const RUN_AGAIN = "40001";
const DEADLOCK_DETECTED = "40P01";
/** Classes whose messages quote values ("invalid input syntax for type integer: …"). */
const QUOTES_VALUES = /^(22|XX)/;
/** Connection exceptions, statements ended after their time, shutdown of the server, too many connections, disk full. */
const UNAVAILABLE = /^(08...|57014|57P0[1-5]|53300|53100)$/;
const SOCKET_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
]);

export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, UNIQUE_VIOLATION, constraint);
}

export function isForeignKeyViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, FOREIGN_KEY_VIOLATION, constraint);
}

export function isRetryable(error: unknown): boolean {
  return error instanceof DatabaseError && [RUN_AGAIN, DEADLOCK_DETECTED].includes(error.sqlState);
}

/** What a driver threw → `DatabaseError`, or AppError `database_unavailable` when the server cannot be reached. */
export function toDatabaseError(error: unknown): Error {
  if (isAppError(error) || error instanceof DatabaseError) return error;
  const { code, message, constraint, table } = fieldsOf(error);
  if (code && (UNAVAILABLE.test(code) || SOCKET_CODES.has(code))) return unavailable(code);
  if (!code && /terminated|timeout|closed|closing|not queryable/i.test(message)) return unavailable(message);
  if (!code || !/^[0-9A-Z]{5}$/.test(code))
    return error instanceof Error ? error : new Error("the database driver failed");
  const text = QUOTES_VALUES.test(code) ? `the database refused the statement (${code})` : message;
  return new DatabaseError(text, { sqlState: code, constraint, table });
}

function unavailable(reason: string): AppError {
  return new AppError("database_unavailable", undefined, { cause: new Error(reason) });
}

function isViolation(error: unknown, sqlState: string, constraint: string | undefined): boolean {
  if (!(error instanceof DatabaseError) || error.sqlState !== sqlState) return false;
  return constraint === undefined || error.constraint === constraint;
}

function fieldsOf(error: unknown) {
  const fields = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : undefined);
  return { code: text("code"), message: text("message") ?? "", constraint: text("constraint"), table: text("table") };
}
