import { type AuditContext, record } from "#audit/index.ts";

/**
 * An audit context in which a development server takes the steps of other organisations too. Every entry that is
 * written under it carries `development: true`.
 */
export type StepContext = AuditContext & { readonly development?: boolean };

export interface StepRecord {
  action: string;
  kind: "organisation" | "head_agreement" | "scenario" | "agreement" | "opinion" | "filing";
  id: string;
  detail?: Record<string, unknown>;
}

/** Writes the audit entry of a step. */
export async function recordStep(context: StepContext, step: StepRecord): Promise<void> {
  const mark = context.development ? { development: true } : {};
  await record(context, {
    action: step.action,
    subject: { kind: step.kind, id: step.id },
    detail: { ...step.detail, ...mark },
  });
}

export function now(context: StepContext): Date {
  return new Date(context.clock.nowMs());
}
