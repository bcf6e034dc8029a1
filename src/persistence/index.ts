/**
 * Persistence: the two databases (PGlite in a directory, PostgreSQL), migrations, transactions, idempotency keys
 * and the sealed object store. One set of queries runs on both databases and reads the same JavaScript types:
 * int8 → number (a RangeError beyond 2^53), numeric → string, date → `YYYY-MM-DD`, timestamptz → Date,
 * jsonb → value, bytea → Uint8Array, arrays → arrays.
 *
 * It must never know a noun's rules, and never let a value of a row into an error: `DatabaseError` carries
 * SQLSTATE and constraint names only. Inside a transaction use the transaction, never the `Database`: the
 * embedded database has one connection, and would wait for itself.
 */
export type { Database, Schema, Transaction } from "./schema.ts";
export type { ReviewDecided } from "./tables-egress.ts";
export type { JobAuthority, JobRow } from "./tables-jobs.ts";
export type { ChoreRow, WebhookDeliveryRow, WebhookRow } from "./tables-chores.ts";
export type { SecurityAlarmRow, SecurityEventRow, SuspensionRow } from "./tables-security.ts";
export { type DatabaseHandle, type DatabaseOptions, openDatabase } from "./open-database.ts";
export { migrate, type MigrationReport } from "./migrate.ts";
export { inTransaction } from "./transaction.ts";
export { json } from "./json.ts";
export { executeLast } from "./last-statement.ts";
export { withParts } from "./with-parts.ts";
export { DatabaseError, isUniqueViolation } from "./database-error.ts";
export {
  beginIdempotent,
  finishIdempotent,
  purgeIdempotencyKeys,
  type IdempotencyStart,
  type IdempotentAnswer,
  type IdempotentRequest,
} from "./idempotency.ts";
export { readOrCreateKey } from "./key-file.ts";
export type { ObjectStore } from "./objects.ts";
export { lockDirectory } from "./directory-lock.ts";
export { claimDeployment } from "./claim-deployment.ts";
export type { ProductStore, StoredFile } from "./product-store.ts";
export { openStorage, type Storage, type StorageOptions } from "./storage.ts";
