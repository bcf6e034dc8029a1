import t from "tap";
import { skipPostgres } from "../persistence/databases.ts";
import { startTestServer } from "./server.ts";

const skip = skipPostgres();

t.test("the whole path runs on PostgreSQL too, and survives a restart", { skip }, async (t) => {
  const server = await startTestServer(t, { kind: "postgres" });
  const acme = await server.client("acme", "developer");
  const job = {
    scenario: "clinic-access",
    image: "sql@1",
    sql: "select district, count(*) as n from people group by district",
  };
  const jobs = await Promise.all([1, 2, 3, 4, 5].map(async () => acme.jobs.submit(job, { waitSeconds: 30 })));
  for (const done of jobs) t.match(done, { state: "succeeded", egress: { verdict: "release", releaseId: /^rel_/ } });
  const script = "output.json('n', (await sql`select count(*) as n from people`)[0].n)";
  const scripted = await acme.jobs.submit(
    { scenario: "clinic-access", image: "javascript@1", script },
    { waitSeconds: 30 },
  );
  t.match(scripted, { state: "succeeded", egress: { verdict: "release" } });
  await server.restart();
  const again = await server.client("acme", "developer");
  t.match(await again.jobs.get(jobs[0]!.id), { state: "succeeded" });
  const content = await again.releases.content(jobs[0]!.egress.releaseId!, "csv");
  t.equal((await content.text()).trim().split("\r\n").length, 7);
});
