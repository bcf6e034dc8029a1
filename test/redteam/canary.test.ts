import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type Client, createClient } from "#client/index.ts";
import type { JobSubmit } from "#contract/job.ts";
import type { Role } from "#contract/organisation.ts";
import type { Space } from "#contract/space.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";
import { startServeProcess } from "../end-to-end/serve-process.ts";
import { applySpace } from "../end-to-end/apply-space.ts";
import { writeSpace } from "../end-to-end/space.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-canary-"));
const data = join(directory, "data");
const sources = join(directory, "sources");
/** One for each place where something is to stay. Row values of the own product are the names of people. */
const CANARIES = {
  environment: "canary-env-51f0",
  file: "canary-file-83ac",
  "other product": "canary-row-b7d2",
  "control plane's memory": "canary-subject-0c9e",
  "own rows": /人\d/,
};
const log: string[] = [];
let server: ChildProcess;

t.setTimeout(240_000);
t.teardown(() => {
  server.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

async function serve(): Promise<string> {
  const env = { SLUICE_INTERACTIVE_WALL_SECONDS: "5", SECRET: CANARIES.environment };
  const started = await startServeProcess({ directory, env, log });
  server = started.child;
  return started.url;
}

/** The test's space, and a product that only another developer's scenario has. */
function spaceWithVault(): Space {
  const space = writeSpace(sources);
  const rows = Array.from({ length: 500 }, (_, i) => `${i},${CANARIES["other product"]}-${i},${i % 3}`);
  writeFileSync(join(sources, "vault.csv"), ["id,secret,kind", ...rows].join("\n"));
  const [pattern] = space.scenarios ?? [];
  return {
    ...space,
    products: [
      ...(space.products ?? []),
      {
        id: "vault",
        source: { path: join(sources, "vault.csv") },
        subjectKey: "id",
        grade: "L3",
        columns: [
          { name: "id", role: "subject_key", grade: "L3" },
          { name: "secret", role: "identifier", grade: "L3" },
          { name: "kind", role: "dimension", grade: "L1" },
        ],
      },
    ],
    scenarios: [
      ...(space.scenarios ?? []),
      {
        ...pattern!,
        id: "vault-study",
        developer: "rival",
        products: ["vault"],
        joins: [],
        opinion: { ...pattern!.opinion!, number: "PO-vault", recipients: ["rival"] },
      },
    ],
  };
}

const sql = (text: string, scenario = "clinic-access"): JobSubmit => ({ scenario, image: "sql@1", sql: text });
const script = (text: string, scenario = "clinic-access"): JobSubmit => ({
  scenario,
  image: "javascript@1",
  script: text,
});

/** Walks everything that a script can reach and says it in its log, its output and its error. */
const WALK = `const seen = new Set(); const found = [];
  const walk = (value, depth) => {
    if (value === null || (typeof value !== "object" && typeof value !== "function") || seen.has(value) || depth > 6) {
      if (typeof value === "string") found.push(value.slice(0, 200));
      return;
    }
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      found.push(String(key));
      try { walk(value[key], depth + 1); } catch (error) { found.push(String(error?.stack)); }
    }
  };
  walk(globalThis, 0); walk(sql, 0); walk(output, 0);`;
const SAY = `for (let i = 0; i < found.length; i += 40) console.log(found.slice(i, i + 40).join(" "));
  output.json("found", found.join(" ").slice(0, 1e6)); throw new Error(found.join(" ").slice(0, 4000));`;

const TRIES: readonly JobSubmit[] = [
  sql("select * from vault"),
  sql("select kind, count(*) as n from vault group by kind"),
  sql("select p.district, count(*) as n from people p join vault v on p.id = v.id group by p.district"),
  sql("select * from read_csv('/proc/self/environ')"),
  sql(`select * from '${join(directory, "secret.txt")}'`),
  sql("select name, count(*) as n from people group by name"),
  sql("select count(*) as n from people where cast(name as integer) > 0"),
  sql("select name, income from people", "row-study"),
  sql("select cast(name as integer) as n from people", "row-study"),
  script(`${WALK} ${SAY}`),
  script(`${WALK} walk(await sql("select district, count(*) as n from people group by district"), 0); ${SAY}`),
  script(`${WALK} for (const name of ["arquero", "simple-statistics"]) walk(require(name), 0); ${SAY}`),
  script(`${WALK} for (const name of ["fs", "process", "../../secret.txt"]) {
    try { walk(require(name), 0); } catch (error) { walk(error, 0); found.push(String(error)); }
  } ${SAY}`),
  script(`${WALK} walk(await sql("select name, income from people"), 0); ${SAY}`, "row-study"),
  script(
    `const rows = [...await sql("select name from people")];
     for (const { name } of rows.slice(0, 50)) await sql(\`select '\${name}' as \${"n" + name}\`).catch(() => 0);
     await sql("select nothing from " + rows[0].name);`,
    "row-study",
  ),
  script(`const rows = [...await sql("select name from people")]; return rows[0].name.unknown.deeper;`, "row-study"),
  script(`throw Object.assign(new Error((await sql("select name from people"))[0].name), { code: 1 });`, "row-study"),
];

/** All that its developer can read of a job. */
async function readable(url: string, token: string, id: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const get = async (path: string) => (await fetch(url + path, { headers })).text();
  const job = await get(`/v1/jobs/${id}`);
  const { egress } = JSON.parse(job) as { egress: { requestId?: string; releaseId?: string } };
  const parts = [job, await get(`/v1/jobs/${id}/log`), await get(`/v1/jobs/${id}/events`)];
  if (egress.requestId) {
    parts.push(await get(`/v1/egress-requests/${egress.requestId}`));
    parts.push(await get(`/v1/egress-requests/${egress.requestId}/content`));
  }
  if (egress.releaseId) parts.push(await get(`/v1/releases/${egress.releaseId}/content`));
  return parts.join("\n");
}

function found(text: string): string[] {
  return Object.entries(CANARIES)
    .filter(([, canary]) => (typeof canary === "string" ? text.includes(canary) : canary.test(text)))
    .map(([place]) => place);
}

t.test(
  "nothing that was planted comes out: by a job, its log, its errors, the server's log or security's",
  async (t) => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "secret.txt"), CANARIES.file);
    const url = await serve();
    const issuer = await createDevelopmentIssuer(data);
    const token = async (organisation: string, role: Role, subject: string = role) =>
      issuer.issueToken({ subject, organisation, roles: [role], lifetimeSeconds: 600 });
    const client = async (...whose: Parameters<typeof token>): Promise<Client> =>
      createClient({ url, token: await token(...whose) });
    const operator = await client("op", "operator", CANARIES["control plane's memory"]);
    await applySpace(operator, spaceWithVault());
    const own = await (
      await client("rival", "developer")
    ).jobs.submit(
      { scenario: "vault-study", image: "sql@1", sql: "select kind, count(*) as n from vault group by kind" },
      { waitSeconds: 60 },
    );
    t.match(
      own,
      { egress: { verdict: "release" } },
      `the other product is there: ${JSON.stringify(own.egress.findings)}`,
    );

    const acme = await client("acme", "developer");
    const acmeToken = await token("acme", "developer");
    for (const [i, spec] of TRIES.entries()) {
      const { id } = await acme.jobs.submit(spec, { waitSeconds: 60 });
      t.strictSame(found(await readable(url, acmeToken, id)), [], `try ${i}`);
    }
    const staff = { authorization: `Bearer ${await token("op", "security")}`, accept: "application/x-ndjson" };
    const events = await (await fetch(`${url}/v1/security/events`, { headers: staff })).text();
    t.match(events, /"kind":"job.ended"/);
    t.strictSame(
      found(events).filter((place) => place !== "control plane's memory"),
      [],
      "the security log",
    );
    server.kill("SIGTERM");
    await once(server, "close");
    t.ok(log.length > 20, "there is a log");
    t.strictSame(
      found(log.join("\n")).filter((place) => place !== "control plane's memory"),
      [],
      "the server's log",
    );
  },
);
