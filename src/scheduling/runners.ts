import { type Selectable, sql } from "kysely";
import { type AuditContext, record } from "#audit/index.ts";
import type { LeaseRequest, RunnerView } from "#contract/runner.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database, Schema, Transaction } from "#persistence/index.ts";

export type RunnerState = "active" | "paused" | "draining";

/** Takes note of what a runner says of itself. No state of anything changes with it, so it has no audit entry. */
export async function seeRunner(db: Database, request: LeaseRequest, nowMs: number): Promise<void> {
  const { runner: name, capacity, warm = [], confinement, places } = request;
  const at = new Date(nowMs);
  const said = {
    places: capacity?.places ?? places,
    memory_bytes: capacity?.memoryBytes ?? null,
    confinement: confinement ?? null,
    warm: [...warm],
    last_seen_at: at,
  };
  await db
    .insertInto("runners")
    .values({ name, ...said, first_seen_at: at, changed_by: null, changed_at: null })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(said))
    .execute();
}

/** Whether the runner may take new work; one that was never seen may. */
export async function takesWork(tx: Transaction, name: string): Promise<boolean> {
  const row = await tx.selectFrom("runners").select("state").where("name", "=", name).executeTakeFirst();
  return (row?.state ?? "active") === "active";
}

/** All runners that were ever seen, with the jobs that each has now. */
export async function listRunners(db: Database): Promise<RunnerView[]> {
  const rows = await db
    .selectFrom("runners as r")
    .selectAll("r")
    .select(
      sql<number>`(select count(*) from jobs j where j.runner = r.name and j.state in ('leased', 'running'))`.as(
        "running",
      ),
    )
    .orderBy("name")
    .execute();
  return rows.map(viewOf);
}

function viewOf(row: Selectable<Schema["runners"]> & { running: number }): RunnerView {
  return {
    name: row.name,
    state: row.state,
    places: row.places,
    running: row.running,
    ...(row.memory_bytes === null ? {} : { memoryBytes: row.memory_bytes }),
    ...(row.confinement === null ? {} : { confinement: row.confinement }),
    warm: row.warm,
    lastSeenAt: row.last_seen_at.toISOString(),
    ...(row.changed_by === null ? {} : { changedBy: row.changed_by }),
    ...(row.changed_at === null ? {} : { changedAt: row.changed_at.toISOString() }),
  };
}

const FROM: Readonly<Record<RunnerState, readonly RunnerState[]>> = {
  paused: ["active", "draining"],
  draining: ["active", "paused"],
  active: ["paused", "draining"],
};
const ACTIONS = { paused: "runner.paused", draining: "runner.drained", active: "runner.resumed" } as const;

/**
 * Whether a runner takes new work: none while it is paused or draining; what it has goes on. Throws `not_found`, or
 * `invalid_transition` when it is in that state already.
 */
export async function setRunnerState(
  context: AuditContext,
  name: string,
  { state, reason }: { state: RunnerState; reason?: string | undefined },
): Promise<void> {
  const { tx, actor, clock } = context;
  const runner = await tx.selectFrom("runners").select("state").where("name", "=", name).forUpdate().executeTakeFirst();
  if (!runner) throw new AppError("not_found", "there is no such runner");
  if (!FROM[state].includes(runner.state)) throw new AppError("invalid_transition", `the runner is ${runner.state}`);
  const changed = { state, changed_by: actor.id, changed_at: new Date(clock.nowMs()) };
  await tx.updateTable("runners").set(changed).where("name", "=", name).execute();
  const detail = { before: runner.state, ...(reason === undefined ? {} : { reason }) };
  await record(context, { action: ACTIONS[state], subject: { kind: "runner", id: name }, detail });
}
