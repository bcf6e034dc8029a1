/** Jobs with their events, as the control plane writes them. */
import { record } from "#audit/index.ts";
import type { StatementEvidence } from "#contract/egress.ts";
import type { JobReport } from "#contract/runner.ts";
import { completeJob } from "#egress/index.ts";
import type { Database } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { type EventDraft, jobStory, noteEvents } from "#security/index.ts";
import { act, clock } from "../authority/stage.ts";
import { claim, report, runner, submit } from "../jobs/staged-jobs.ts";

export const bundle = loadPolicyBundle("policies");
const stored = [{ quarantine: `sha256:${"a".repeat(64)}`, release: `sha256:${"b".repeat(64)}` }];

/** Submits a job and reports its end; answers with its id and everything that was written to the security log. */
export async function finish(
  db: Database,
  change: Partial<JobReport> = {},
  request: Parameters<typeof submit>[1] = {},
) {
  const { id } = await submit(db, request);
  const [job] = await claim(db);
  const full = report(change);
  clock.at += 20;
  const events = await act(db, runner, async (context) => {
    const done = await completeJob(context, bundle, { lease: job!.lease!, report: full, stored });
    if (!done) throw new Error("the lease was taken away");
    return noteEvents(context, bundle.security, jobStory({ ...done, report: full }));
  });
  return { id, events };
}

export function statement(change: Partial<StatementEvidence> = {}): StatementEvidence {
  const sql = "select district, count(*) from residents group by district";
  return { statement: 1, sql, label: "safe", findings: [], columns: [], cells: [], truncated: false, ...change };
}

const finding = { rule: "R19", family: "differencing" as const, code: "split", message: "a part is too small" };

/** A report whose result the data blocked. */
export const blocked: Partial<JobReport> = {
  findings: [{ ...finding, effect: "block" }],
  statements: [statement({ findings: [{ ...finding, effect: "block" }] })],
};

/** A report of a statement that was refused by its form. */
export const refused: Partial<JobReport> = {
  state: "failed",
  reasonCode: "plan_refused",
  outputs: [],
  statements: [
    statement({
      sql: "select max(income) from residents",
      findings: [
        { rule: "G2", family: "form", code: "aggregate_refused", effect: "refuse", message: "max() is refused" },
      ],
    }),
  ],
};

export const kindsOf = (events: readonly { kind: string }[]) => events.map(({ kind }) => kind);

/** Writes events that no job brings along. */
export async function note(
  db: Database,
  drafts: readonly EventDraft[],
  thresholds = bundle.security,
): Promise<EventDraft[]> {
  return act(db, runner, async (context) => {
    await record(context, { action: "test.noted", subject: { kind: "test", id: "events" } });
    return noteEvents(context, thresholds, drafts);
  });
}
