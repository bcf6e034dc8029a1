import { AppError } from "#kernel/errors.ts";
import type { Transaction } from "./schema.ts";

export const IDEMPOTENCY_RETENTION_MS = 24 * 60 * 60 * 1000;

/** Whose request it is, and which: a key means nothing outside (organisation, subject). */
export interface IdempotentRequest {
  organisation: string;
  subject: string;
  key: string;
  /** Digest of method, path and body. */
  requestDigest: string;
  nowMs: number;
}

/** The answer as it was sent; `body` is its JSON value. */
export interface IdempotentAnswer {
  status: number;
  body: unknown;
  location?: string | undefined;
}

export type IdempotencyStart = { state: "new" } | ({ state: "replay" } & IdempotentAnswer);

/**
 * Claims the key inside the transaction of the write, so that a crash leaves neither. Two requests with the same
 * key at once: the second waits here until the first commits (then it is a replay) or rolls back (then it is
 * new). Throws `idempotency_conflict` when the key was used with another request, and `idempotency_in_progress`
 * when it was claimed and never finished in a committed transaction.
 */
export async function beginIdempotent(tx: Transaction, request: IdempotentRequest): Promise<IdempotencyStart> {
  const { organisation, subject, key, requestDigest, nowMs } = request;
  await deleteExpired(tx, request);
  const claimed = await tx
    .insertInto("idempotency_keys")
    .values({ organisation, subject, key, request_digest: requestDigest, created_at: new Date(nowMs) })
    .onConflict((conflict) => conflict.columns(["organisation", "subject", "key"]).doNothing())
    .returning("key")
    .executeTakeFirst();
  return claimed ? { state: "new" } : await replay(tx, request);
}

/** Keeps the answer of a `new` request for replays. Call it once, in the same transaction. */
export async function finishIdempotent(
  tx: Transaction,
  request: IdempotentRequest,
  answer: IdempotentAnswer,
): Promise<void> {
  const result = await tx
    .updateTable("idempotency_keys")
    .set({ status: answer.status, location: answer.location ?? null, body: JSON.stringify(answer.body) ?? null })
    .where("organisation", "=", request.organisation)
    .where("subject", "=", request.subject)
    .where("key", "=", request.key)
    .where("status", "is", null)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw new Error("the idempotency key was not claimed in this transaction");
}

/** Deletes keys older than the retention; returns how many. */
export async function purgeIdempotencyKeys(tx: Transaction, nowMs: number): Promise<number> {
  const result = await tx
    .deleteFrom("idempotency_keys")
    .where("created_at", "<", new Date(nowMs - IDEMPOTENCY_RETENTION_MS))
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

async function deleteExpired(tx: Transaction, { organisation, subject, key, nowMs }: IdempotentRequest): Promise<void> {
  await tx
    .deleteFrom("idempotency_keys")
    .where("organisation", "=", organisation)
    .where("subject", "=", subject)
    .where("key", "=", key)
    .where("created_at", "<", new Date(nowMs - IDEMPOTENCY_RETENTION_MS))
    .execute();
}

async function replay(tx: Transaction, request: IdempotentRequest): Promise<IdempotencyStart> {
  const row = await tx
    .selectFrom("idempotency_keys")
    .select(["request_digest", "status", "body", "location"])
    .where("organisation", "=", request.organisation)
    .where("subject", "=", request.subject)
    .where("key", "=", request.key)
    .executeTakeFirst();
  if (!row) throw new AppError("idempotency_in_progress");
  if (row.request_digest !== request.requestDigest) throw new AppError("idempotency_conflict");
  if (row.status === null) throw new AppError("idempotency_in_progress");
  const body = row.body === null ? undefined : (JSON.parse(row.body) as unknown);
  return { state: "replay", status: row.status, body, ...(row.location === null ? {} : { location: row.location }) };
}
