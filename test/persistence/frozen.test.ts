/** A PostgreSQL that is there and does not answer, as on a machine that hangs. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import t from "tap";
import { openDatabase } from "#persistence/index.ts";
import { startTestServer } from "../end-to-end/server.ts";
import { createTestDatabase, postgresCluster, skipPostgres } from "./databases.ts";

const skip = skipPostgres();
const gone = { code: "database_unavailable" };

t.test("statements fail in bounded time, nothing half done is kept, and it goes on by itself", { skip }, async (t) => {
  const options = await createTestDatabase(t, "postgres");
  if (options.kind !== "postgres") throw new Error("it is PostgreSQL");
  const handle = await openDatabase({ ...options, poolSize: 3, statementTimeoutMs: 500 });
  t.teardown(async () => handle[Symbol.asyncDispose]());
  const { db } = handle;
  await sql`create table notes (text text)`.execute(db);
  await t.rejects(sql`select pg_sleep(5)`.execute(db), gone, "the server ends what takes too long");
  const cluster = await postgresCluster();
  const [begun, frozen] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const half = db.transaction().execute(async (tx) => {
    await sql`insert into notes values ('half')`.execute(tx);
    begun.resolve();
    await frozen.promise;
    await sql`insert into notes values ('done')`.execute(tx);
  });
  await begun.promise;
  const thaw = cluster.freeze();
  frozen.resolve();
  const at = performance.now();
  try {
    const others = Array.from({ length: 6 }, async () => t.rejects(sql`select 1`.execute(db), gone));
    await Promise.all([t.rejects(half, gone), ...others]);
    t.ok(performance.now() - at < 20_000, "all know within the times of a connection and of a statement");
  } finally {
    thaw();
  }
  await sleep(200);
  for (let tries = 0; tries < 20; tries++) {
    t.strictSame((await sql`select text from notes`.execute(db)).rows, []);
  }
});

t.test("closing takes no longer than it has to", { skip }, async (t) => {
  const options = await createTestDatabase(t, "postgres");
  const handle = await openDatabase(options);
  await handle.listen("notes", () => undefined);
  const giveBack = await handle.claimName?.({ name: "frozen", waitMs: 0, onTaken: () => undefined });
  await Promise.all(Array.from({ length: 4 }, async () => sql`select pg_sleep(0.05)`.execute(handle.db)));
  const thaw = (await postgresCluster()).freeze();
  try {
    await giveBack?.();
    await handle[Symbol.asyncDispose]();
    const open = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP"));
    for (let tries = 0; tries < 100 && open().length > 0; tries++) await sleep(50);
    t.strictSame(open(), [], "no connection is left that keeps the process");
  } finally {
    thaw();
  }
});

t.test("the server answers 503 meanwhile, and goes on afterwards", { skip, timeout: 120_000 }, async (t) => {
  const env = { SLUICE_DATABASE_TIMEOUT_SECONDS: "1" };
  const server = await startTestServer(t, { kind: "postgres", env, empty: true });
  const headers = { authorization: `Bearer ${await server.token("op", "operator")}` };
  const look = async () => fetch(`${server.url}/v1/jobs`, { headers });
  t.equal((await look()).status, 200);
  const thaw = (await postgresCluster()).freeze();
  try {
    const answer = await look();
    t.equal(answer.status, 503);
    t.match(await answer.json(), gone);
    t.ok(Number(answer.headers.get("retry-after")) > 0);
  } finally {
    thaw();
  }
  let status = 0;
  for (let tries = 0; status !== 200 && tries < 50; tries++) {
    status = (await look()).status;
    await sleep(100);
  }
  t.equal(status, 200);
});
