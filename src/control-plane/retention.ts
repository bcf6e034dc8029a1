import { type AuditContext, withAudit } from "#audit/index.ts";
import type { Chore, Steadiness } from "#chores/index.ts";
import { inTransaction, purgeIdempotencyKeys } from "#persistence/index.ts";
import { discardOutputs, expireEgress, removeUnneeded } from "#retention/index.ts";
import { purgeEvents } from "#security/index.ts";
import { purgeDeliveries } from "#webhooks/index.ts";
import type { Deployment } from "./deployment.ts";

const HOUR_MS = 3_600_000;
/** After a start, or when the clock has jumped. */
const SOON_MS = 60_000;
const actor = { kind: "system" as const, id: "chores" };

/** What ends, and what goes, by age. Each in batches, so that no transaction is long. */
export function retentionChores(
  { db, clock, config, objects, log }: Deployment,
  { isClockTrusted }: Pick<Steadiness, "isClockTrusted">,
): Chore[] {
  const { retention, securityLogDays } = config;
  const { quarantineDays } = retention;
  /** A batch is a transaction; it answers whether there is more. */
  const hourly = (name: string, batch: (context: AuditContext) => Promise<boolean>): Chore => ({
    name,
    everyMs: HOUR_MS,
    run: async ({ stop }) => {
      if (!isClockTrusted()) return SOON_MS;
      while (!stop.aborted && (await withAudit(db, { actor, clock }, batch)));
      return undefined;
    },
  });
  return [
    hourly("egress.expire", async (context) => expireEgress(context, retention)),
    hourly("retention.security_log", async (context) => purgeEvents(context, securityLogDays)),
    hourly("retention.outputs", async (context) => discardOutputs(context, quarantineDays)),
    {
      name: "retention.objects",
      everyMs: 24 * HOUR_MS,
      run: async ({ stop }) => {
        if (!isClockTrusted()) return SOON_MS;
        const removed = await removeUnneeded({ db, objects, clock }, { revokedDays: quarantineDays, stop });
        if (removed > 0) log.info({ removed }, "objects that nothing needs were removed");
        return undefined;
      },
    },
    {
      name: "retention.keys",
      everyMs: HOUR_MS,
      run: async () => {
        await inTransaction(db, async (tx) => purgeIdempotencyKeys(tx, clock.nowMs()));
        await inTransaction(db, async (tx) => purgeDeliveries(tx, clock.nowMs()));
      },
    },
  ];
}
