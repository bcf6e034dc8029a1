/** A real server with results, backed up while it runs, and what a server on the restored state can do. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Client, createClient } from "#client/index.ts";
import { readConfig } from "#config/index.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { openDatabase } from "#persistence/index.ts";
import { verifyLog } from "#audit/index.ts";
import { runBackup, runRestore } from "../../src/bin/backup.ts";
import { startServer } from "../../src/bin/serve.ts";
import { startTestServer } from "../end-to-end/server.ts";
import { createTestDatabase, skipPostgres } from "../persistence/databases.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-backup-"));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const sql = "select district, count(*) as n from people group by district order by district";
const job = { scenario: "clinic-access", image: "sql@1", sql };

interface Done {
  job: string;
  release: string;
  content: string;
  waiting: string;
}

/** A release, and a result that waits for a reviewer. */
async function work(acme: Client): Promise<Done> {
  const done = await acme.jobs.submit(job, { waitSeconds: 60 });
  const rowsJob = { ...job, scenario: "row-study", sql: "select district, birth, income from people limit 5" };
  const rows = await acme.jobs.submit(rowsJob, { waitSeconds: 60 });
  const release = done.egress.releaseId!;
  const content = await (await acme.releases.content(release, "csv")).text();
  return { job: done.id, release, content, waiting: rows.egress.requestId! };
}

interface Place {
  data: string;
  sources: string;
  postgres?: string | undefined;
}

async function checkRestored(t: Test, { data, sources, postgres }: Place, done: Done): Promise<void> {
  const env = { SLUICE_LOG_LEVEL: "silent", ...(postgres === undefined ? {} : { SLUICE_DATABASE_URL: postgres }) };
  const config = readConfig(env, { development: true, dataDirectory: data, port: 0, sourceRoots: [sources] });
  const server = await startServer(config);
  try {
    const issuer = await createDevelopmentIssuer(data);
    const client = async (organisation: string, role: "developer" | "reviewer") => {
      const person = { subject: `${role}-1`, organisation, roles: [role], lifetimeSeconds: 600 };
      return createClient({ url: server.url, token: await issuer.issueToken(person) });
    };
    const acme = await client("acme", "developer");
    t.match(await acme.jobs.get(done.job), { state: "succeeded", egress: { releaseId: done.release } });
    t.equal(await (await acme.releases.content(done.release, "csv")).text(), done.content, "the release is readable");
    const again = await acme.jobs.submit(job, { waitSeconds: 60 });
    t.match(again, { state: "succeeded", egress: { verdict: "release" } }, "jobs run on the restored products");
    t.equal(await (await acme.releases.content(again.egress.releaseId!, "csv")).text(), done.content);
    const reviewer = await client("op", "reviewer");
    t.match(await reviewer.egress.review(done.waiting, { decision: "approve", comment: "ok" }), { state: "released" });
  } finally {
    await server.close();
  }
  await using handle = await openDatabase(config.database);
  t.match(await verifyLog(handle.db), { ok: true }, "the log goes on where the backup ended");
}

t.test("an embedded server writes its backup while it runs, and it is restored into PostgreSQL", async (t) => {
  const env = { SLUICE_BACKUP_DIRECTORY: join(directory, "online") };
  const server = await startTestServer(t, { env });
  const done = await work(await server.client("acme", "developer"));
  const operator = await server.client("op", "operator");
  const report = await operator.operations.backup({ name: "first" });
  t.equal(report.directory, join(directory, "online", "first"));
  await t.rejects(operator.operations.backup({ name: "first" }), { code: "conflict" }, "nothing is written over");
  await t.rejects((await server.client("acme", "developer")).operations.backup({ name: "x" }), { code: "forbidden" });
  t.notOk(existsSync(join(report.directory, "data", "keys")), "no key is in it");
  const skip = skipPostgres();
  const database = skip === false ? await createTestDatabase(t, "postgres") : undefined;
  const postgres = database?.kind === "postgres" ? database.url : undefined;
  const data = join(directory, "restored-1");
  const keysFrom = join(server.directory, "data", "keys");
  await runRestore({ from: report.directory, keysFrom, dataDirectory: data, postgres });
  t.notOk(existsSync(`${data}.restoring`));
  await checkRestored(t, { data, sources: join(server.directory, "sources"), postgres }, done);
});

t.test(
  "PostgreSQL is backed up under running servers, and restored into a data directory",
  { skip: skipPostgres() },
  async (t) => {
    const server = await startTestServer(t, { kind: "postgres" });
    const acme = await server.client("acme", "developer");
    const done = await work(acme);
    const env = { SLUICE_DATABASE_URL: server.databaseUrl!, SLUICE_LOG_LEVEL: "silent" };
    const config = readConfig(env, { development: true, dataDirectory: join(server.directory, "data") });
    const [to, keysTo, data] = ["two", "keys", "restored-2"].map((name) => join(directory, name));
    // others go on meanwhile
    const [report] = await Promise.all([
      runBackup(config, { to: to!, keysTo: keysTo!, products: true }),
      ...[1, 2, 3].map(async () => acme.jobs.submit(job, { waitSeconds: 60 })),
    ]);
    t.ok(report.rows > 50);
    await runRestore({ from: to!, keysFrom: keysTo!, dataDirectory: data! });
    await checkRestored(t, { data: data!, sources: join(server.directory, "sources") }, done);
  },
);
