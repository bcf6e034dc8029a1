import type { Organisation, OrganisationKind } from "#contract/organisation.ts";
import { AppError } from "#kernel/errors.ts";
import type { Database, Transaction } from "#persistence/index.ts";
import type { StepContext } from "./step-context.ts";
import { now, recordStep } from "./step-context.ts";

export type Change = "created" | "updated" | "unchanged";

/** Creates the organisation or updates its title and weight. Its kind never changes (`conflict`): its members' roles rest on it. */
export async function putOrganisation(context: StepContext, organisation: Organisation): Promise<Change> {
  const { id, kind } = organisation;
  const title = organisation.title ?? null;
  const weight = organisation.weight ?? 1;
  const known = await context.tx.selectFrom("organisations").selectAll().where("id", "=", id).executeTakeFirst();
  if (!known) {
    const at = now(context);
    const row = { id, kind, title, weight, created_at: at, updated_at: at };
    await context.tx.insertInto("organisations").values(row).execute();
    const detail = { kind, ...(weight === 1 ? {} : { weight }) };
    await recordStep(context, { action: "organisation.created", kind: "organisation", id, detail });
    return "created";
  }
  if (known.kind !== kind) throw new AppError("conflict", `Organisation ${id} exists as ${known.kind}`);
  if (known.title === title && known.weight === weight) return "unchanged";
  await context.tx
    .updateTable("organisations")
    .set({ title, weight, updated_at: now(context) })
    .where("id", "=", id)
    .execute();
  const detail = known.weight === weight ? {} : { weight };
  await recordStep(context, { action: "organisation.updated", kind: "organisation", id, detail });
  return "updated";
}

/**
 * Suspends an organisation (no chain of authority holds for it until it is restored) or restores it. For the
 * security staff of the operator and for the implementing body; the route admits nobody else.
 */
export async function setOrganisationState(
  context: StepContext,
  change: { organisation: string; state: "active" | "suspended"; reason: string },
): Promise<void> {
  const { organisation: id, state, reason } = change;
  const updated = await context.tx
    .updateTable("organisations")
    .set({ state, updated_at: now(context) })
    .where("id", "=", id)
    .where("state", "<>", state)
    .returning("id")
    .executeTakeFirst();
  const action = state === "suspended" ? "organisation.suspended" : "organisation.restored";
  if (updated) return recordStep(context, { action, kind: "organisation", id, detail: { reason } });
  if (!(await findOrganisation(context.tx, id))) throw new AppError("not_found", "There is no such organisation");
  throw new AppError("invalid_transition", `The organisation is ${state} already`);
}

/** For the authenticator: which roles a member may hold follows from the organisation's kind. */
export async function findOrganisation(
  db: Database | Transaction,
  id: string,
): Promise<{ kind: OrganisationKind; state: "active" | "suspended" } | undefined> {
  return await db.selectFrom("organisations").select(["kind", "state"]).where("id", "=", id).executeTakeFirst();
}
