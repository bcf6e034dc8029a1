/** The closed table of failures. Adding a code here is the only way to add an HTTP status to the product. */
export const ERROR_TABLE = {
  // the caller is wrong
  invalid_request: { status: 400, retryable: false, title: "The request does not have the documented form" },
  invalid_space: { status: 422, retryable: false, title: "The space file is not valid" },
  invalid_product: { status: 422, retryable: false, title: "The data product is not valid" },
  invalid_transition: { status: 409, retryable: false, title: "The object is not in a state that allows this" },
  invalid_cursor: { status: 400, retryable: false, title: "The page cursor is not one that this server issued" },
  unauthenticated: { status: 401, retryable: false, title: "A valid access token is required" },
  forbidden: { status: 403, retryable: false, title: "The caller's role does not permit this" },
  not_found: { status: 404, retryable: false, title: "There is no such object, or the caller may not see it" },
  method_not_allowed: { status: 405, retryable: false, title: "The method is not supported here" },
  not_acceptable: { status: 406, retryable: false, title: "No offered format matches the Accept header" },
  conflict: { status: 409, retryable: false, title: "The object exists already with different content" },
  idempotency_conflict: { status: 422, retryable: false, title: "The idempotency key was used with another request" },
  idempotency_in_progress: { status: 409, retryable: true, title: "A request with this idempotency key is under way" },
  self_review: { status: 403, retryable: false, title: "Nobody reviews a request of the own organisation" },
  already_reviewed: { status: 409, retryable: false, title: "This reviewer has decided on this request already" },
  release_revoked: { status: 410, retryable: false, title: "The release was revoked" },
  release_expired: { status: 410, retryable: false, title: "The release's time is over" },
  content_discarded: { status: 410, retryable: false, title: "The bytes were kept for their time and are gone" },
  payload_too_large: { status: 413, retryable: false, title: "The request body is larger than allowed" },
  unsupported_media_type: { status: 415, retryable: false, title: "The request body must be JSON" },
  too_many_requests: { status: 429, retryable: true, title: "Too many requests; try again later" },
  quota_exceeded: { status: 429, retryable: true, title: "The quota of the scenario is used up" },
  class_not_agreed: { status: 403, retryable: false, title: "The agreement does not cover jobs of this class" },
  organisation_queue_full: { status: 429, retryable: true, title: "The organisation has too many waiting jobs" },
  queue_full: { status: 503, retryable: true, title: "The queue is full; try again later" },
  // the chain of authority does not hold
  authority_missing: { status: 403, retryable: false, title: "No valid chain of authority covers this" },
  image_refused: { status: 403, retryable: false, title: "The image may not be used under this scenario" },
  product_unavailable: { status: 409, retryable: false, title: "The data product has no published version" },
  not_supported: { status: 501, retryable: false, title: "This part of the interface is not available on this server" },
  development_only: { status: 403, retryable: false, title: "Only a server in development mode does this" },
  version_unsupported: {
    status: 409,
    retryable: false,
    title: "The version was stored in a format that this server does not read: ingest the product again",
  },
  // ingest
  ingest_failed: { status: 422, retryable: false, title: "The source could not be turned into a data product" },
  source_not_allowed: { status: 403, retryable: false, title: "The source lies outside the permitted source roots" },
  // the system is at fault
  bad_arrow_file: { status: 500, retryable: false, title: "A stored Arrow file does not match its digest or format" },
  object_missing: { status: 500, retryable: false, title: "A stored object is missing or damaged" },
  subject_registry_damaged: { status: 500, retryable: false, title: "The registry of subjects is damaged" },
  runner_unavailable: { status: 503, retryable: true, title: "No runner is available" },
  process_failed: { status: 500, retryable: true, title: "A confined process failed" },
  frame_invalid: { status: 500, retryable: false, title: "A process sent a frame that breaks the protocol" },
  audit_broken: { status: 500, retryable: false, title: "The audit log does not verify" },
  configuration_invalid: { status: 500, retryable: false, title: "The configuration is unsafe or incomplete" },
  storage_unavailable: { status: 503, retryable: true, title: "The object storage is not reachable" },
  database_unavailable: { status: 503, retryable: true, title: "The database is not reachable" },
  storage_full: { status: 503, retryable: true, title: "There is no room left to store what must be kept" },
  shutting_down: { status: 503, retryable: true, title: "The server is shutting down" },
  internal: { status: 500, retryable: false, title: "An internal error occurred" },
} as const;

export type ErrorCode = keyof typeof ERROR_TABLE;

export interface AppErrorOptions {
  /** Logged, never shown. */
  cause?: unknown;
  /** Shown to the caller: must carry no data values. */
  details?: Record<string, unknown>;
}

/** A foreseen failure. `message` is safe to show; `cause` is logged only. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string = ERROR_TABLE[code].title, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.details = options.details;
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERROR_TABLE, value);
}
