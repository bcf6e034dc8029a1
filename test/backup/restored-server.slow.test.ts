/** A real server with results, backed up while it runs, and what a server on the restored state can do. */
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Client, createClient } from "#client/index.ts";
import { type Config, readConfig } from "#config/index.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { openDatabase } from "#persistence/index.ts";
import { verifyLog } from "#audit/index.ts";
import { runBackup, runRestore } from "../../src/bin/backup.ts";
import { startServer } from "../../src/bin/serve.ts";
import { startTestServer } from "../end-to-end/server.ts";
import { createTestDatabase, skipPostgres } from "../persistence/databases.ts";
import { S3_CREDENTIALS, startS3Server } from "../storage/s3-server.ts";

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
  env?: Record<string, string>;
}

function configOf({ data, sources, postgres, env = {} }: Place): Config {
  const database: Record<string, string> = postgres === undefined ? {} : { SLUICE_DATABASE_URL: postgres };
  return readConfig(
    { SLUICE_LOG_LEVEL: "silent", ...database, ...env },
    { development: true, dataDirectory: data, port: 0, sourceRoots: [sources] },
  );
}

async function checkRestored(t: Test, place: Place, done: Done): Promise<void> {
  const { data } = place;
  const config = configOf(place);
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

t.test(
  "what lies in S3 is backed up with the rest, and is restored into a directory, and from one into S3",
  async (t) => {
    Object.assign(process.env, S3_CREDENTIALS, { AWS_EC2_METADATA_DISABLED: "true" });
    const s3 = await startS3Server(t);
    const keyFile = join(directory, "given.key");
    writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
    const key = { SLUICE_OBJECT_KEY_FILE: keyFile };
    const at = (prefix: string) => ({
      ...key,
      SLUICE_STORAGE: `s3://${s3.bucket}/${prefix}`,
      SLUICE_STORAGE_ENDPOINT: s3.endpoint,
    });
    const server = await startTestServer(t, {
      env: { ...at("first"), SLUICE_BACKUP_DIRECTORY: join(directory, "online-s3") },
    });
    const done = await work(await server.client("acme", "developer"));
    const sources = join(server.directory, "sources");
    const { directory: from } = await (await server.client("op", "operator")).operations.backup({ name: "s3" });
    const keysFrom = join(server.directory, "data", "keys");
    const [data, back, again] = ["from-s3", "backup-of-directory", "to-s3"].map((name) => join(directory, name));
    await runRestore({ from, keysFrom, dataDirectory: data! });
    await runBackup(configOf({ data: data!, sources, env: key }), { to: back!, products: true });
    await checkRestored(t, { data: data!, sources, env: key }, done);

    const { storage: place, objectKey } = configOf({ data: again!, sources, env: at("second") });
    const request = { from: back!, keysFrom: join(data!, "keys"), dataDirectory: again! };
    const wrong = join(directory, "wrong.key");
    writeFileSync(wrong, randomBytes(32), { mode: 0o600 });
    await t.rejects(runRestore(request, { place, key: { kind: "file", path: wrong, given: true } }), {
      code: "configuration_invalid",
      message: /not the one/,
    });
    const first = configOf({ data: again!, sources, env: at("first") }).storage;
    await t.rejects(runRestore(request, { place: first, key: objectKey }), {
      code: "configuration_invalid",
      message: /belongs to a deployment/,
    });
    await runRestore(request, { place, key: objectKey });
    t.notOk(
      existsSync(join(again!, "objects")) || existsSync(join(again!, "products")),
      "nothing of it is in the directory",
    );
    await checkRestored(t, { data: again!, sources, env: at("second") }, done);
  },
);

t.test("products are not backed up without the register of subjects", { skip: skipPostgres() }, async (t) => {
  const server = await startTestServer(t, { kind: "postgres" });
  const data = join(server.directory, "data");
  const { databaseUrl: postgres } = server;
  const elsewhere = join(directory, "another-machine");
  cpSync(data, elsewhere, { recursive: true });
  rmSync(join(elsewhere, "ingest-home.json"));
  const config = configOf({ data: elsewhere, sources: join(server.directory, "sources"), postgres });
  await t.rejects(runBackup(config, { to: join(directory, "without-register"), products: true }), {
    code: "configuration_invalid",
    message: /another machine/,
  });
  await runBackup(config, { to: join(directory, "without-products"), products: false });
});
