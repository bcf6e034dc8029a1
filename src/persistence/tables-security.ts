import type { ColumnType, RawBuilder } from "kysely";
import type { AlarmRule, SecurityEventKind, SuspensionAuthority } from "#contract/security.ts";

type Json<T> = ColumnType<T, RawBuilder<T>, RawBuilder<T>>;

/** Append-only: triggers refuse UPDATE and TRUNCATE, and DELETE of what is younger than six months. */
export interface SecurityEventRow {
  seq: number;
  at: Date;
  kind: SecurityEventKind;
  /** Index in `SEVERITIES`. */
  severity: number;
  job: string | null;
  organisation: string | null;
  scenario: string | null;
  runner: string | null;
  confinement: string | null;
  text: string;
  details: Json<Record<string, unknown>>;
}

export interface SecurityAlarmRow {
  id: string;
  rule: AlarmRule;
  source: string;
  organisation: string | null;
  scenario: string | null;
  state: "open" | "acknowledged";
  text: string;
  count: number;
  raised_at: Date;
  last_at: Date;
  suspension: string | null;
  acknowledged_at: Date | null;
  acknowledged_by: string | null;
  comment: string | null;
}

export interface SuspensionRow {
  id: string;
  scope_kind: "scenario" | "organisation";
  scope: string;
  reason: string;
  authority: SuspensionAuthority;
  set_by: string;
  set_at: Date;
  until: Date | null;
  alarm: string | null;
  lifted_at: Date | null;
  lifted_by: string | null;
  lift_reason: string | null;
}

export interface SecurityTables {
  security_events: SecurityEventRow;
  security_alarms: SecurityAlarmRow;
  suspensions: SuspensionRow;
}
