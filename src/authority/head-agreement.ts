import type { HeadAgreement } from "#contract/space.ts";
import { localDay } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";
import { requireOperator } from "./actors.ts";
import { requirePeriod } from "./days.ts";
import type { Change } from "./organisation.ts";
import type { StepContext } from "./step-context.ts";
import { now, recordStep } from "./step-context.ts";

/** Records the head agreement, or its changed term. An agreement's operator never changes (`conflict`). */
export async function putHeadAgreement(context: StepContext, agreement: HeadAgreement): Promise<Change> {
  const { number, operator, validFrom, validTo } = agreement;
  requirePeriod(agreement);
  requireOperator(context, operator);
  const { tx } = context;
  const known = await tx.selectFrom("head_agreements").selectAll().where("number", "=", number).executeTakeFirst();
  const at = now(context);
  const term = { valid_from: validFrom, valid_to: validTo, updated_at: at };
  if (!known) {
    await tx
      .insertInto("head_agreements")
      .values({ number, operator, created_at: at, ...term })
      .execute();
    return recorded(context, "created", agreement);
  }
  if (known.operator !== operator) throw new AppError("conflict", `Head agreement ${number} is another operator's`);
  if (known.valid_from === validFrom && known.valid_to === validTo) return "unchanged";
  await tx.updateTable("head_agreements").set(term).where("number", "=", number).execute();
  return recorded(context, "updated", agreement);
}

async function recorded(context: StepContext, change: "created" | "updated", agreement: HeadAgreement) {
  const { number, validFrom, validTo } = agreement;
  await recordStep(context, {
    action: `head_agreement.${change}`,
    kind: "head_agreement",
    id: number,
    detail: { validFrom, validTo },
  });
  return change;
}

/** Number of the caller's head agreement that is in force today; throws `authority_missing` when there is none. */
export async function getHeadAgreementInForce(context: StepContext): Promise<string> {
  const today = localDay(context.clock);
  const row = await context.tx
    .selectFrom("head_agreements")
    .select("number")
    .where("operator", "=", context.actor.organisation ?? "")
    .where("valid_from", "<=", today)
    .where("valid_to", ">=", today)
    .orderBy("valid_to", "desc")
    .executeTakeFirst();
  if (!row) throw new AppError("authority_missing", "The operator has no head agreement in force");
  return row.number;
}
