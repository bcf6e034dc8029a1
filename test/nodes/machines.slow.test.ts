import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { verifyLog } from "#audit/index.ts";
import { encodeFrame } from "#contract/frame.ts";
import { applySpace } from "../end-to-end/apply-space.ts";
import { writeSpace } from "../end-to-end/space.ts";
import { report } from "../jobs/staged-jobs.ts";
import { skipPostgres } from "../persistence/databases.ts";
import { caller } from "./caller.ts";
import { layCable } from "./cable.ts";
import { foundCity, until } from "./city.ts";
import { JOB, LONG_JOB } from "./node-jobs.ts";
import { startNodeProcess } from "./node-process.ts";

t.test(
  "two replicas and two runner nodes are one deployment",
  { skip: skipPostgres(), timeout: 280_000 },
  async (t) => {
    const city = await foundCity(t);
    const space = writeSpace(city.sources);
    const east = await city.startReplica("east", "127.0.0.2");
    const west = await city.startReplica("west", "127.0.0.3");
    const operator = await city.client(east.url, "op", "operator");
    await applySpace(operator, space);
    const atEast = await city.client(east.url, "acme", "developer");
    const atWest = await city.client(west.url, "acme", "developer");
    const cable = await layCable(t, { from: "127.0.0.4", to: east.nodesUrl });
    const homes = { n1: join(city.directory, "n1"), n2: join(city.directory, "n2") };
    const start = async (name: "n1" | "n2", controlPlane: string, token?: string) => {
      const env = { SLUICE_RUNNER_NAME: name, ...(token === undefined ? {} : { SLUICE_ENROLMENT_TOKEN: token }) };
      const node = await startNodeProcess({ controlPlane, directory: homes[name], env });
      t.teardown(() => node.child.kill("SIGKILL"));
      return node;
    };
    const jobRow = async (id: string) =>
      city.db
        .selectFrom("jobs")
        .select(["state", "runner", "attempts", "lease"])
        .where("id", "=", id)
        .executeTakeFirst();

    await t.test("a node enrols once and runs what either replica took", async (t) => {
      const { token } = await operator.runnerNodes.invite("n1");
      await start("n1", cable.url, token);
      for (const client of [atEast, atWest]) {
        const done = await client.jobs.submit(JOB, { waitSeconds: 60 });
        t.match(done, { state: "succeeded", egress: { verdict: "release" } });
        t.match(await jobRow(done.id), { runner: "n1" });
        const content = await client.releases.content(done.egress.releaseId!, "csv");
        t.equal((await content.text()).trim().split("\r\n").length, 7, "rendered by the replica's own runner");
      }
      t.ok(readdirSync(join(homes.n1, "cache")).length > 3, "products came into its cache");
      t.notOk(readdirSync(join(homes.n1, "cache")).some((name) => name.endsWith(".partial")));
      await t.rejects(start("n2", west.nodesUrl, token), /enrolment token is not valid/, "another node with its token");
    });

    let lostLease = "";
    await t.test("a node that is cut off loses its job to another, and it ends once", async (t) => {
      const job = await atWest.jobs.submit(LONG_JOB);
      lostLease = await until(async () => (await jobRow(job.id))?.lease ?? undefined);
      cable.cut();
      const { token } = await operator.runnerNodes.invite("n2");
      await start("n2", west.nodesUrl, token);
      t.match(await atEast.jobs.wait(job.id, { withinMs: 120_000 }), { state: "succeeded" });
      t.match(await jobRow(job.id), { runner: "n2", attempts: 2 });
      const entries = await city.db
        .selectFrom("audit_entries")
        .select("action")
        .where("subject_id", "=", job.id)
        .orderBy("seq")
        .execute();
      const actions = entries.map(({ action }) => action);
      t.strictSame(
        actions.filter((action) => !action.startsWith("job.start")),
        ["job.submitted", "job.leased", "job.requeued", "job.leased", "job.succeeded"],
      );
    });

    await t.test("a late report is refused, and so is a lease of another", async (t) => {
      const asN1 = await caller(homes.n1, east.nodesUrl);
      const late = Buffer.concat(encodeFrame({ ...report({ outputs: [] }) }));
      t.match(await asN1(`/runner/v1/leases/${lostLease}/heartbeat`, {}), { status: 200, body: { cancel: true } });
      t.match(await asN1(`/runner/v1/leases/${lostLease}/report`, late), { status: 200, body: { accepted: false } });
      const running = await atEast.jobs.submit(LONG_JOB);
      const lease = await until(async () => (await jobRow(running.id))?.lease ?? undefined);
      t.match(await jobRow(running.id), { runner: "n2" });
      for (const what of ["heartbeat", "progress", "report"]) {
        const body = what === "report" ? late : what === "progress" ? { stage: "started" } : {};
        t.match(await asN1(`/runner/v1/leases/${lease}/${what}`, body), { status: 404 }, what);
      }
      const wish = { runner: "n1", places: 1, waitMs: 0 };
      t.match(await asN1("/runner/v1/leases", { ...wish, kind: "ingests" }), { status: 403 });
      t.match(await asN1("/runner/v1/leases", { ...wish, kind: "renders" }), { status: 403 });
      t.match(await asN1("/runner/v1/leases", { ...wish, runner: "n2", kind: "jobs" }), { status: 403 });
      t.match(await atEast.jobs.wait(running.id, { withinMs: 60_000 }), { state: "succeeded" });
    });

    await t.test("a revoked node is refused at every replica, and may not come back with its key", async (t) => {
      const revoked = await operator.runnerNodes.revoke("n1", "sold");
      t.match(revoked, { state: "revoked", revokeReason: "sold" });
      for (const at of [east, west]) {
        const asN1 = await caller(homes.n1, at.nodesUrl);
        const wish = { runner: "n1", kind: "jobs", places: 1, waitMs: 0 };
        t.match(await asN1("/runner/v1/leases", wish), { status: 401 });
      }
      const security = await city.client(west.url, "op", "security");
      const kinds = new Set<string>();
      for await (const { kind } of security.security.events({ limit: 200 })) kinds.add(kind);
      t.ok(kinds.has("runner.revoked") && kinds.has("runner.enrolled") && kinds.has("runner.lost"));
    });

    await t.test("a replica that is killed under a waiting client loses nothing", async (t) => {
      const options = { idempotencyKey: "killed-under-me", waitSeconds: 60 };
      const waiting = atEast.jobs.submit(LONG_JOB, options).catch((error: unknown) => error);
      const { id } = await until(async () =>
        city.db.selectFrom("jobs").select("id").where("state", "in", ["leased", "running"]).executeTakeFirst(),
      );
      east.child.kill("SIGKILL");
      await once(east.child, "exit");
      t.ok((await waiting) instanceof Error, "its client hears of it");
      const again = await atWest.jobs.submit(LONG_JOB, options);
      t.equal(again.id, id, "the same key is the same job at the other replica");
      t.match(await atWest.jobs.wait(id, { withinMs: 60_000 }), { state: "succeeded" });
      t.match(await jobRow(id), { attempts: 1 });
    });

    await t.test("a replica stops in order although nodes wait for work at it", async (t) => {
      const started = performance.now();
      west.child.kill("SIGTERM");
      const [status] = (await once(west.child, "exit")) as [number | null];
      t.equal(status, 0);
      t.ok(performance.now() - started < 15_000, "it did not wait for the end of their long polls");
      t.strictSame(
        (await city.db.selectFrom("replicas").select("id").execute()).map(({ id }) => id),
        ["east"],
        "it took its leave; the one that was killed could not",
      );
    });

    await t.test("the log of both is one chain", async (t) => {
      t.match(await verifyLog(city.db), { ok: true });
    });
  },
);
