import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { currentCheckpoint, record, verifyLog } from "#audit/index.ts";
import { claimChores, finishChore } from "#chores/index.ts";
import { WEBHOOK_EVENT_NAMES, type WebhookSpec } from "#contract/webhook.ts";
import type { Database } from "#persistence/index.ts";
import {
  createSender,
  deliverDue,
  findDueWebhooks,
  getWebhook,
  listDeliveries,
  openSecrets,
  putWebhook,
  redeliver,
  rotateSecret,
  setWebhookState,
} from "#webhooks/index.ts";
import { act, clock, operator, stageLive } from "../authority/stage.ts";
import { claim, submit } from "../jobs/staged-jobs.ts";
import { failJob } from "#jobs/index.ts";
import { withDatabases } from "../persistence/databases.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-webhooks-"));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const rules = { hosts: [], development: true };
const secrets = await openSecrets(join(directory, "webhook.key"));

interface Stage {
  db: Database;
  receiver: Receiver;
  /** Runs the webhook's chore once, if it is due; answers when it wants to come again. */
  run(): Promise<number | undefined>;
  declare(change?: Partial<WebhookSpec>): Promise<void>;
  /** Ends a job of the scenario; its number is the order. */
  endJob(): Promise<string>;
}

async function staged(t: Test, title: string, work: (t: Test, stage: Stage) => Promise<void>): Promise<void> {
  await withDatabases(t, title, async (t, { handle: { db } }) => {
    await stageLive(db);
    const receiver = await startReceiver(t);
    await using sender = createSender(rules);
    const outlet = { db, clock, secrets, sender };
    await work(t, {
      db,
      receiver,
      run: async () => {
        const names = await findDueWebhooks(db);
        const [chore] = await claimChores(db, { names, nowMs: clock.nowMs(), leaseMs: 60_000, limit: 1 });
        if (!chore) return undefined;
        const againMs = await deliverDue(outlet, { ...chore, stop: new AbortController().signal });
        const now = clock.nowMs();
        await finishChore(db, { lease: chore.lease, dueAt: new Date(now + againMs), succeededAt: new Date(now) });
        return againMs;
      },
      declare: async (change = {}) => {
        const spec = { id: "registry", url: receiver.url, events: [...WEBHOOK_EVENT_NAMES], ...change };
        await act(db, operator, async (context) => putWebhook(context, spec, rules));
        receiver.secret = secrets.keyOf({ id: "registry", secret_version: 1 }).toString("base64");
      },
      endJob: async () => {
        // what has nothing to do looks once a second
        clock.at += 1_000;
        const { id } = await submit(db);
        const [job] = await claim(db);
        await act(db, operator, async (context) => failJob(context, job!, "runner_lost"));
        return id;
      },
    });
    t.match(await verifyLog(db), { ok: true }, "the log verifies");
  });
}

await staged(t, "a webhook is told of what happens after it was declared, once and signed", async (t, stage) => {
  const { receiver } = stage;
  await stage.endJob();
  await stage.declare();
  const job = await stage.endJob();
  await stage.run();
  t.match(receiver.received, [
    {
      verified: true,
      message: {
        type: "job.ended",
        data: { job, scenario: "clinic-access", organisation: "acme", state: "failed", reasonCode: "runner_lost" },
      },
    },
  ]);
  const [{ id, message }] = receiver.received as [Receiver["received"][number]];
  t.equal(id, message.id);
  t.match(id, /^evt_[0-9a-f]{32}$/);
  await stage.run();
  t.equal(receiver.received.length, 1, "and not again");
  t.strictSame(await findDueWebhooks(stage.db), [], "nothing to look at: nothing is written either");
  t.strictSame((await listDeliveries(stage.db, { webhook: "registry", limit: 10 })).items, [], "no row for a success");
});

await staged(t, "a failed delivery is repeated under its identifier, in order, after a pause", async (t, stage) => {
  const { receiver } = stage;
  await stage.declare();
  const jobs = [await stage.endJob(), await stage.endJob(), await stage.endJob()];
  let failures = 2;
  receiver.answer = () => ({ status: failures-- > 0 ? 503 : 204 });
  const pauseMs = await stage.run();
  t.ok(pauseMs! >= 2_500 && pauseMs! <= 5_000, `${pauseMs} ms`);
  t.equal(receiver.received.length, 1, "those behind it wait");
  t.equal(await stage.run(), undefined, "not before its time");
  t.match(await getWebhook(stage.db, "registry"), { waiting: 1, dead: 0, lastError: "status_503" });
  clock.at += pauseMs!;
  clock.at += (await stage.run())!;
  await stage.run();
  t.strictSame(
    receiver.received.map(({ message }) => message.data["job"]),
    [jobs[0], jobs[0], jobs[0], jobs[1], jobs[2]],
  );
  t.equal(new Set(receiver.received.map(({ id }) => id)).size, 3);
  t.equal(new Set(receiver.received.slice(0, 3).map(({ body }) => body)).size, 1, "the same bytes");
  t.match(await getWebhook(stage.db, "registry"), { waiting: 0, dead: 0 });
  t.match((await listDeliveries(stage.db, { webhook: "registry", limit: 10 })).items, [
    { state: "delivered", attempts: 3 },
  ]);
});

await staged(t, "what is never taken is given up, told, and sent again when asked", async (t, stage) => {
  const { receiver, db } = stage;
  await stage.declare();
  const first = await stage.endJob();
  receiver.answer = ({ message }) => ({ status: message.data["job"] === first ? 500 : 204 });
  for (let runs = 0; runs < 15; runs++) clock.at += (await stage.run()) ?? 0;
  const second = await stage.endJob();
  t.notOk(receiver.received.some(({ message }) => message.data["job"] === second));
  await stage.run();
  t.equal(receiver.received.at(-1)?.message.data["job"], second, "then the next ones go on");
  const { items } = await listDeliveries(db, { webhook: "registry", limit: 10, state: "dead" });
  t.match(items, [{ state: "dead", attempts: 16, lastError: "status_500", event: "job.ended" }]);
  const given = await db.selectFrom("audit_entries").selectAll().where("action", "=", "webhook.given_up").execute();
  t.match(given, [{ outcome: "failure", detail: { attempts: 16, error: "status_500" } }]);
  receiver.answer = () => ({ status: 200 });
  const { entry } = items[0]!;
  await act(db, operator, async (context) => redeliver(context, "registry", entry));
  await stage.run();
  t.equal(receiver.received.at(-1)?.message.data["job"], first);
  await t.rejects(
    act(db, operator, async (context) => redeliver(context, "registry", entry)),
    { code: "invalid_transition" },
  );
});

await staged(t, "a paused webhook keeps its place, a removed one its past", async (t, stage) => {
  const { receiver, db } = stage;
  const move = async (state: "paused" | "active" | "removed") =>
    act(db, operator, async (context) => setWebhookState(context, "registry", state));
  await stage.declare({ events: ["job.ended"] });
  await move("paused");
  const job = await stage.endJob();
  t.equal(await stage.run(), undefined);
  await move("active");
  await stage.run();
  t.match(receiver.received, [{ message: { data: { job } } }]);
  receiver.answer = () => ({ status: 500 });
  await stage.endJob();
  await stage.run();
  await move("removed");
  await t.rejects(getWebhook(db, "registry"), { code: "not_found" });
  await stage.endJob();
  await stage.declare();
  t.equal((await getWebhook(db, "registry")).position, (await currentCheckpoint(db)).seq, "it begins anew");
  clock.at += 3_600_000;
  await stage.run();
  t.equal(receiver.received.length, 2, "what was removed with it is not sent");
});

await staged(t, "a new key holds from the next attempt on", async (t, stage) => {
  const { receiver, db } = stage;
  await stage.declare();
  await stage.endJob();
  await stage.run();
  t.equal(receiver.received.at(-1)?.verified, true);
  const rotated = await act(db, operator, async (context) =>
    rotateSecret(context, { id: "registry", rotate: true, secrets }),
  );
  await stage.endJob();
  await stage.run();
  t.equal(receiver.received.at(-1)?.verified, false, "with the old key");
  receiver.secret = rotated.secret;
  await stage.endJob();
  await stage.run();
  t.equal(receiver.received.at(-1)?.verified, true);
  const { rows } = await db
    .selectFrom("webhooks")
    .selectAll()
    .execute()
    .then((all) => ({ rows: JSON.stringify(all) }));
  t.notOk(rows.includes(rotated.secret.slice(6)), "the database holds no key");
});

await staged(t, "who lost the chore's lease moves nothing", async (t, stage) => {
  const { receiver, db } = stage;
  await stage.declare();
  await stage.endJob();
  const { position } = await getWebhook(db, "registry");
  await using sender = createSender(rules);
  const run = { name: "webhook.registry", lease: "lse_lost", stop: new AbortController().signal };
  await deliverDue({ db, clock, secrets, sender }, run);
  t.equal((await getWebhook(db, "registry")).position, position);
  await stage.run();
  const ids = receiver.received.map(({ id }) => id);
  t.equal(ids.length, 2);
  t.equal(ids[0], ids[1], "told twice, under one identifier");
});

await staged(t, "an action without an event is passed over", async (t, stage) => {
  const { db, receiver } = stage;
  await stage.declare({ events: ["alarm.raised"] });
  await stage.endJob();
  await act(db, operator, async (context) =>
    record(context, { action: "log.looked_at", subject: { kind: "audit", id: "x" } }),
  );
  await stage.run();
  t.equal(receiver.received.length, 0);
  t.equal((await getWebhook(db, "registry")).position, (await currentCheckpoint(db)).seq);
});
