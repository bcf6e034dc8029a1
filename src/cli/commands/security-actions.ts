import type { AlarmView, SuspensionView } from "#contract/security.ts";
import { usageError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { listOutcome, objectOutcome, takeItems } from "../list.ts";
import { formatFields } from "../print/table.ts";
import type { CommandBody, Outcome } from "../terminal.ts";
import { instant } from "./security-events.ts";

export const listAlarms: CommandBody<{ acknowledged?: boolean; limit: number }> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  const state = options.acknowledged === true ? "acknowledged" : "open";
  return listOutcome(await takeItems(client.security.alarms({ state }), options.limit), {
    alarm: ({ id }) => id,
    rule: ({ rule }) => rule,
    count: ({ count }) => count,
    scenario: ({ scenario }) => scenario ?? "",
    organisation: ({ organisation }) => organisation ?? "",
    raised: ({ raisedAt }) => raisedAt,
    suspension: ({ suspension }) => suspension ?? "",
  });
};

export const acknowledgeAlarm: CommandBody<{ comment: string }> = async ({ terminal, options, args: [id = ""] }) => {
  const client = await connect(terminal);
  return alarmOutcome(await client.security.acknowledge(id, options.comment));
};

export const listSuspensions: CommandBody<{ limit: number }> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  return listOutcome(await takeItems(client.security.suspensions(), options.limit), {
    suspension: ({ id }) => id,
    scope: ({ scope }) => scopeText(scope),
    state: ({ state }) => state,
    authority: ({ authority }) => authority,
    set: ({ setAt }) => setAt,
    until: ({ until }) => until ?? "",
    reason: ({ reason }) => reason,
  });
};

export interface SuspendOptions {
  scenario?: string;
  organisation?: string;
  reason: string;
  until?: string;
}

export const suspend: CommandBody<SuspendOptions> = async ({ terminal, options }) => {
  const { reason, until } = options;
  const scope = scopeOf(options);
  const end = instant("--until", until);
  const client = await connect(terminal);
  return suspensionOutcome(
    await client.security.suspend({ scope, reason, ...(end === undefined ? {} : { until: end }) }),
  );
};

export const lift: CommandBody<{ reason: string }> = async ({ terminal, options, args: [id = ""] }) => {
  const client = await connect(terminal);
  return suspensionOutcome(await client.security.lift(id, options.reason));
};

function scopeOf({ scenario, organisation }: SuspendOptions): SuspensionView["scope"] {
  if (scenario !== undefined) return { scenario };
  if (organisation !== undefined) return { organisation };
  throw usageError("suspend takes --scenario or --organisation");
}

function scopeText(scope: SuspensionView["scope"]): string {
  return "scenario" in scope ? `scenario ${scope.scenario}` : `organisation ${scope.organisation}`;
}

function alarmOutcome(alarm: AlarmView): Outcome {
  return objectOutcome(
    alarm,
    formatFields([
      ["alarm", alarm.id],
      ["rule", alarm.rule],
      ["state", alarm.state],
      ["text", alarm.text],
      ["by", alarm.acknowledgedBy],
      ["comment", alarm.comment],
    ]),
  );
}

function suspensionOutcome(suspension: SuspensionView): Outcome {
  return objectOutcome(
    suspension,
    formatFields([
      ["suspension", suspension.id],
      ["scope", scopeText(suspension.scope)],
      ["state", suspension.state],
      ["reason", suspension.reason],
      ["set by", `${suspension.setBy} (${suspension.authority})`],
      ["until", suspension.until],
      ["lifted by", suspension.liftedBy],
      ["lift reason", suspension.liftReason],
    ]),
  );
}
