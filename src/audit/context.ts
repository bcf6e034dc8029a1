import type { Transaction } from "#persistence/index.ts";
import type { AuditEntry } from "#contract/audit.ts";
import type { Clock } from "#kernel/clock.ts";

export type AuditActor = AuditEntry["actor"];

/** What a function that writes is given: the transaction, and in whose name. */
export interface AuditContext {
  readonly tx: Transaction;
  readonly actor: AuditActor;
  readonly clock: Clock;
  readonly requestId?: string | undefined;
}

export interface AuditEvent {
  /** `noun.past_tense`. */
  action: string;
  subject: { kind: string; id: string };
  /** Default `success`. */
  outcome?: AuditEntry["outcome"];
  /** Codes, identifiers and digests; never a value of the data. */
  detail?: Record<string, unknown>;
}
