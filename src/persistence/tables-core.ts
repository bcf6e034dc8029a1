import type { ColumnType, RawBuilder } from "kysely";
import type { AuditEntry } from "#contract/audit.ts";

type Json<T> = ColumnType<T, RawBuilder<T>, RawBuilder<T>>;

/** Append-only: triggers refuse UPDATE, DELETE and TRUNCATE. */
export interface AuditEntryRow {
  seq: number;
  at: Date;
  actor: Json<AuditEntry["actor"]>;
  action: string;
  subject_kind: string;
  subject_id: string;
  outcome: AuditEntry["outcome"];
  request_id: string | null;
  detail: Json<Record<string, unknown>>;
  previous: string;
  hash: string;
}

/** One row: where the chain ends. Its lock is what keeps the chain from forking. */
export interface AuditHeadRow {
  id: ColumnType<boolean, never, never>;
  seq: number;
  hash: string;
  at: Date;
}

export interface IdempotencyKeyRow {
  organisation: string;
  subject: string;
  key: string;
  request_digest: string;
  status: number | null;
  location: string | null;
  /** JSON text of the answer, as it was sent. */
  body: string | null;
  created_at: Date;
}

export interface SchemaMigrationRow {
  number: number;
  name: string;
  digest: string;
  applied_at: Date;
}

/** Facts about this deployment that outlive a process, by name. */
export interface DeploymentSettingRow {
  name: string;
  value: Json<unknown>;
  updated_at: Date;
}

export interface CoreTables {
  audit_entries: AuditEntryRow;
  audit_head: AuditHeadRow;
  idempotency_keys: IdempotencyKeyRow;
  schema_migrations: SchemaMigrationRow;
  deployment_settings: DeploymentSettingRow;
}
