import {
  SECURITY_EVENT_KINDS,
  type SecurityEventDetails,
  type SecurityEventKind,
  SEVERITIES,
  type Severity,
} from "#contract/security.ts";

/** Whom and what an event concerns. */
export interface EventPlace {
  job?: string | undefined;
  organisation?: string | undefined;
  scenario?: string | undefined;
  runner?: string | undefined;
  confinement?: string | undefined;
}

export interface EventOf<K extends SecurityEventKind> extends EventPlace {
  kind: K;
  atMs: number;
  text: string;
  details: SecurityEventDetails<K>;
  /** Only where it differs from what the kind says. */
  severity?: Severity;
}

/** An event that is not written yet: the details are those of its kind. */
export type EventDraft = { [K in SecurityEventKind]: EventOf<K> }[SecurityEventKind];

/** Index in `SEVERITIES`. */
export function severityOf(draft: EventDraft): number {
  return SEVERITIES.indexOf(draft.severity ?? SECURITY_EVENT_KINDS[draft.kind].severity);
}
