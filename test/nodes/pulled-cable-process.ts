/** Runs in namespaces of its own: the control plane's machine. The runner nodes are others, on a network between them. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import t, { type Test } from "tap";
import { encodeFrame } from "#contract/frame.ts";
import type { JobView } from "#contract/job.ts";
import type { Role } from "#contract/organisation.ts";
import { applySpace } from "../end-to-end/apply-space.ts";
import { writeSpace } from "../end-to-end/space.ts";
import { violations } from "../faults/checks.ts";
import { report } from "../jobs/staged-jobs.ts";
import { findPostgres, startPostgres } from "../persistence/postgres-cluster.ts";
import { caller } from "./caller.ts";
import { makeCertificate } from "./certificate.ts";
import { foundCity, until } from "./city.ts";
import { layNetwork, type Machine } from "./network.ts";
import { JOB, LONG_JOB } from "./node-jobs.ts";
import { type NodeProcess, startNodeProcess } from "./node-process.ts";

/** What a replica waits for an answer of the database. */
const PATIENCE_MS = 3_000;
/** Longer than the database keeps what a machine holds that it does not hear, and than a replica takes a silent one to be there. */
const LONG_CUT_MS = 16_000;
/** The cut-off node is heard again within this. */
const BACK_WITHIN_MS = 30_000;

const network = layNetwork(t);
const machines = {
  n1: await network.addMachine("n1"),
  n2: await network.addMachine("n2"),
  db: await network.addMachine("db"),
};
const cluster = await startPostgres(findPostgres()!, { durable: true, machine: machines.db });
t.teardown(async () => cluster.stop());
const city = await foundCity(t, cluster.url("postgres"));
const space = writeSpace(city.sources);
const { certificate, key } = makeCertificate(city.directory, network.here);
const [east, west] = [await startReplica("east", "127.0.0.2", 0), await startReplica("west", "127.0.0.3", 1)];
const operator = await city.client(east.url, "op", "operator");
await applySpace(operator, space);
const atEast = await city.client(east.url, "acme", "developer");
const atWest = await city.client(west.url, "acme", "developer");
noteNamespaces(Object.values(machines));
const n1 = await startNode("n1", east.nodesUrl);
await startNode("n2", west.nodesUrl);

/** Jobs that were acknowledged, and how they ended. */
const seen = {
  acknowledged: new Set<string>(),
  ended: new Map<string, JobView>(),
  others: new Set<string>(),
  wrong: [] as string[],
};

t.test("nodes on machines of their own do the work, over TLS", async (t) => {
  await runs(t, JOB, 6);
  const runners = await city.db.selectFrom("runners").select("name").execute();
  t.strictSame(
    runners
      .map(({ name }) => name)
      .filter((name) => /^n\d/.test(name))
      .toSorted(),
    ["n1", "n2"],
  );
});

let lost: { id: string; lease: string }[] = [];
t.test("a pulled cable: what the node had is done by the other, once", async (t) => {
  const jobs = await Promise.all([atEast, atWest, atEast, atWest].map(async (at) => at.jobs.submit(LONG_JOB)));
  for (const { id } of jobs) seen.acknowledged.add(id);
  lost = await until(async () => {
    const running = await city.db
      .selectFrom("jobs")
      .select(["id", "lease"])
      .where("runner", "=", "n1")
      .where("state", "=", "running")
      .execute();
    return running.length === 2 ? running.map(({ id, lease }) => ({ id, lease: lease ?? "" })) : undefined;
  });
  machines.n1.cut();
  for (const { id } of jobs) await waitFor(id);
  const ends = jobs.map(({ id }) => seen.ended.get(id)).map((view) => view?.reasonCode ?? view?.state);
  t.strictSame(
    ends,
    jobs.map(() => "succeeded"),
  );
  for (const { id } of lost) {
    t.match(await jobRow(id), { runner: "n2", attempts: 2 });
    t.strictSame(
      (await actionsOf(id)).filter((action) => !action.startsWith("job.start")),
      ["job.submitted", "job.leased", "job.requeued", "job.leased", "job.succeeded"],
    );
  }
});

t.test("the cable is back: what the node says of them is too late, and it gets work again", async (t) => {
  const before = await Promise.all(lost.map(async ({ id }) => [await jobRow(id), await actionsOf(id)]));
  machines.n1.mend();
  const mendedAt = performance.now();
  for (const { lease } of lost) {
    await until(() => n1.log.some((line) => line.includes(lease) && line.includes("came too late")) || undefined);
  }
  const asN1 = await caller(join(city.directory, "n1"), east.nodesUrl, readFileSync(certificate, "utf8"));
  const again = Buffer.concat(encodeFrame({ ...report() }, [Buffer.from("a"), Buffer.from("b")]));
  for (const { lease } of lost) {
    t.match(await asN1(`/runner/v1/leases/${lease}/report`, again), { status: 200, body: { accepted: false } });
    t.match(await asN1(`/runner/v1/leases/${lease}/heartbeat`, {}), { status: 200, body: { cancel: true } });
  }
  t.strictSame(await Promise.all(lost.map(async ({ id }) => [await jobRow(id), await actionsOf(id)])), before);

  await operator.runners.drain("n2");
  await runs(t, JOB, 2, "n1");
  t.ok(performance.now() - mendedAt < BACK_WITHIN_MS, "it was back soon");
  t.comment(`back after ${Math.round(performance.now() - mendedAt)} ms`);
});

t.test("the database's cable is pulled: replicas say so in time, and go on when it is back", async (t) => {
  const underway = await Promise.all([atEast, atWest].map(async (at) => at.jobs.submit(LONG_JOB)));
  for (const { id } of underway) seen.acknowledged.add(id);
  machines.db.cut();
  for (const { url } of [east, west]) {
    const answer = await submit(url);
    t.equal(answer.status, 503);
    t.match(await answer.json(), { code: "database_unavailable" });
  }
  await sleep(LONG_CUT_MS);
  machines.db.mend();
  await until(async () => ((await submit(west.url)).ok ? true : undefined));
  await until(async () => ((await submit(east.url)).ok ? true : undefined));
  for (const id of seen.acknowledged) if (!seen.ended.has(id)) await waitFor(id);
  await runs(t, JOB, 4);
  await until(async () => ((await namesHeld()) === 2 ? true : undefined));
  t.strictSame([east.child.exitCode, west.child.exitCode], [null, null], "both hold their names again");
});

t.test("every job ended once, every release has its entry, the log verifies", async (t) => {
  const place = {
    directory: city.directory,
    url: async () => west.url,
    token: city.token,
    client: async (organisation: string, role: Role) => city.client(west.url, organisation, role),
  };
  t.strictSame(await violations(place, seen), []);
});

/** Locks by which replicas hold their names. */
async function namesHeld(): Promise<number> {
  const held = sql<{ count: number }>`select count(*)::int as count from pg_locks
    where locktype = 'advisory' and granted and classid::bigint = ${0x6e61_6d65}`;
  return (await held.execute(city.db)).rows[0]!.count;
}

/** A job, by a request that is sent once. */
async function submit(url: string): Promise<Response> {
  const headers = {
    authorization: `Bearer ${await city.token("acme", "developer")}`,
    "content-type": "application/json",
  };
  const answer = await fetch(`${url}/v1/jobs`, {
    method: "POST",
    headers,
    body: JSON.stringify(JOB),
    signal: AbortSignal.timeout(30_000),
  });
  if (answer.ok) seen.acknowledged.add(((await answer.clone().json()) as JobView).id);
  return answer;
}

async function startReplica(name: string, host: string, at: 0 | 1) {
  const patience = { SLUICE_DATABASE_TIMEOUT_SECONDS: String(PATIENCE_MS / 1000) };
  const tls = { SLUICE_NODES_TLS_CERT: certificate, SLUICE_NODES_TLS_KEY: key };
  const replica = await city.startReplica(name, host, { SLUICE_NODES_HOST: network.here[at], ...patience, ...tls });
  t.teardown(async () => endInOrder(replica.child));
  return replica;
}

/** So that it removes its control groups, which outlive this namespace. */
async function endInOrder(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

async function startNode(name: "n1" | "n2", controlPlane: string): Promise<NodeProcess> {
  const { token } = await operator.runnerNodes.invite(name);
  const node = await startNodeProcess({
    controlPlane,
    directory: join(city.directory, name),
    within: machines[name].within,
    env: {
      SLUICE_RUNNER_NAME: name,
      SLUICE_ENROLMENT_TOKEN: token,
      SLUICE_CA_FILE: certificate,
      SLUICE_RUNNER_JOBS: "2",
    },
  });
  t.teardown(async () => endInOrder(node.child));
  return node;
}

/** For whoever looks afterwards whether all of them are gone. */
function noteNamespaces(all: readonly Machine[]): void {
  const own = ["net", "pid"].map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
  const theirs = all.map(({ within }) => readlinkSync(within[1]!.replace("--net=", "")));
  writeFileSync(process.env["SLUICE_TEST_NAMESPACES"]!, [...own, ...theirs].join("\n"));
}

async function runs(t: Test, job: typeof JOB, count: number, runner?: string): Promise<void> {
  const jobs = await Promise.all(Array.from({ length: count }, async () => atWest.jobs.submit(job)));
  for (const { id } of jobs) {
    seen.acknowledged.add(id);
    await waitFor(id);
    t.match(seen.ended.get(id), { state: "succeeded", egress: { verdict: "release" } });
    if (runner !== undefined) t.match(await jobRow(id), { runner });
  }
}

async function waitFor(id: string): Promise<void> {
  seen.ended.set(id, await atEast.jobs.wait(id, { withinMs: 120_000 }));
}

async function jobRow(id: string) {
  return city.db.selectFrom("jobs").select(["state", "runner", "attempts"]).where("id", "=", id).executeTakeFirst();
}

async function actionsOf(id: string): Promise<string[]> {
  const entries = await city.db
    .selectFrom("audit_entries")
    .select("action")
    .where("subject_id", "=", id)
    .orderBy("seq")
    .execute();
  return entries.map(({ action }) => action);
}
