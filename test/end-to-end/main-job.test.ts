import { tableFromIPC } from "apache-arrow";
import t from "tap";
import { DuckDBInstance } from "@duckdb/node-api";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ReleasedTable } from "#contract/release.ts";
import { billOf, people, visits } from "./space.ts";
import { startTestServer } from "./server.ts";

const server = await startTestServer(t);
const acme = await server.client("acme", "developer");
const reviewer = await server.client("op", "reviewer");
const sql = async (text: string, scenario = "clinic-access") =>
  acme.jobs.submit({ scenario, image: "sql@1", sql: text }, { waitSeconds: 30 });
const script = async (text: string, scenario = "clinic-access") =>
  acme.jobs.submit({ scenario, image: "javascript@1", script: text }, { waitSeconds: 30 });

async function content(release: string, accept: string, output?: string): Promise<Response> {
  const query = output === undefined ? "" : `?output=${output}`;
  const authorization = `Bearer ${await server.token("acme", "developer")}`;
  return fetch(`${server.url}/v1/releases/${release}/content${query}`, { headers: { accept, authorization } });
}

async function table(release: string, output?: string): Promise<ReleasedTable> {
  return (await (await content(release, "application/json", output)).json()) as ReleasedTable;
}

t.test("a safe aggregate is released at once, with the numbers that raw counting gives", async (t) => {
  const job = await sql("select district, count(*) as n, avg(income) as income from people group by district");
  t.match(job, { state: "succeeded", egress: { verdict: "release", releaseId: /^rel_/ } });
  const { columns, rows } = await table(job.egress.releaseId!);
  t.strictSame(
    columns.map((column) => column.name),
    ["district", "n", "income"],
  );
  const expected = new Map<string, number[]>();
  for (const { district, income } of people()) expected.set(district, [...(expected.get(district) ?? []), income]);
  t.equal(rows.length, expected.size);
  for (const [district, n, income] of rows as [string, string, number][]) {
    const incomes = expected.get(district)!;
    t.equal(Number(n), incomes.length, district);
    t.ok(Math.abs(income - incomes.reduce((sum, x) => sum + x, 0) / incomes.length) < 1e-6, district);
  }
});

t.test("a release can be read as Arrow, CSV, JSON and Parquet, and they agree", async (t) => {
  const job = await sql("select district, count(*) as n from people group by district");
  const id = job.egress.releaseId!;
  const json = await table(id);
  const arrow = tableFromIPC(
    new Uint8Array(await (await content(id, "application/vnd.apache.arrow.stream")).arrayBuffer()),
  );
  t.strictSame(
    (arrow.toArray() as { district: string; n: bigint }[]).map((row) => [row.district, String(row.n)]),
    json.rows,
  );
  const csv = await (await content(id, "text/csv")).text();
  t.strictSame(
    csv
      .trim()
      .split("\r\n")
      .slice(1)
      .map((line) => line.split(",")),
    json.rows,
  );
  const parquet = join(server.directory, "release.parquet");
  writeFileSync(parquet, Buffer.from(await (await content(id, "application/vnd.apache.parquet")).arrayBuffer()));
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const read = await connection.runAndReadAll(`select district, n::varchar from read_parquet('${parquet}')`);
  t.strictSame(read.getRows(), json.rows);
  connection.closeSync();
  t.equal((await content(id, "image/png")).status, 406);
});

t.test("small cells are suppressed, and the developer learns the family of the rule only", async (t) => {
  const job = await sql("select district, count(*) as n from people where disease = '结核' group by district");
  t.match(job, { state: "succeeded", egress: { verdict: "release_transformed" } });
  const { rows, suppressed, notes } = await table(job.egress.releaseId!);
  t.equal(suppressed, 0, "no empty field stands for it");
  t.ok(notes.length >= 1);
  t.equal(rows.length, 5);
  const small = rows.find(([district]) => district === "洞头");
  t.equal(small, undefined, "neither are four people shown, nor that there is somebody");
  t.notMatch(JSON.stringify(job.egress.findings), /\b4\b|\b10\b/, "neither the count nor the threshold is told");
  t.ok(job.egress.findings.some((finding) => finding.family === "threshold"));
});

t.test("what can never be released is refused with the construct, its place and a way out", async (t) => {
  const cases: [string, RegExp][] = [
    ["select * from people", /./],
    ["select max(income) from people", /max/],
    ["select name, count(*) from people group by name", /name/],
    ["select district, count(*) from people where id = 10005 group by district", /id/],
    ["select count(*) from people where (select disease from people where id = 10005) = '结核'", /./],
    ["select district, string_agg(name, ',') from people group by district", /string_agg/],
    ["select * from read_csv('/etc/passwd')", /./],
    ["copy people to '/tmp/x.csv'", /./],
    ["select 1; select 2", /./],
  ];
  for (const [text, construct] of cases) {
    const job = await sql(text);
    t.match(job, { state: "failed", egress: { verdict: "block" } }, text);
    t.ok(["plan_refused", "query_invalid"].includes(job.reasonCode ?? ""), `${text}: ${job.reasonCode}`);
    const [finding] = job.egress.findings;
    t.match(`${finding?.construct ?? ""} ${finding?.message ?? ""}`, construct, text);
    t.equal(job.outputs.length, 0);
  }
  const maximum = await sql("select max(income) from people");
  t.match(maximum.egress.findings[0], { position: Number, suggestion: String });
});

t.test("an invalid query says what is not found, in words about the developer's own text", async (t) => {
  const job = await sql("select distrikt, count(*) from people group by distrikt");
  t.match(job, { state: "failed", reasonCode: "query_invalid" });
  t.match(JSON.stringify(job.egress.findings), /distrikt/);
});

t.test("a join on the declared keys is counted per person", async (t) => {
  const job = await sql(
    "select p.district, k.kind, count(*) as visits, sum(v.cost) as cost from people p join visits v on p.id = v.person_id join clinics k on v.clinic = k.clinic group by p.district, k.kind",
  );
  t.match(job, { state: "succeeded", egress: { verdict: "release" } });
  const { rows } = await table(job.egress.releaseId!);
  const total = (rows as [string, string, string, number][]).reduce((sum, row) => sum + Number(row[2]), 0);
  t.equal(total, visits().length);
  const undeclared = await sql("select count(*) from people p join visits v on p.income = v.cost");
  t.match(undeclared, { state: "failed", reasonCode: "plan_refused" });
});

t.test("a join works across formats: text keys of CSV with integers of Parquet", async (t) => {
  const job = await sql(
    "select p.district, sum(b.amount) as amount from people p join bills b on p.id = b.payer group by p.district",
  );
  t.match(job, { state: "succeeded", egress: { verdict: "release" } });
  const { rows } = await table(job.egress.releaseId!);
  const expected = people().reduce((sum, { id }) => sum + billOf(id), 0);
  t.equal(
    (rows as [string, string][]).reduce((sum, [, amount]) => sum + Number(amount), 0),
    expected,
  );
});

t.test("public data alone needs no threshold", async (t) => {
  const job = await sql("select kind, count(*) as n from clinics group by kind");
  t.match(job, { state: "succeeded", egress: { verdict: "release" } });
  t.equal((await table(job.egress.releaseId!)).rows.length, 3);
});

t.test("a script computes with aggregates, and its outputs and log are safe", async (t) => {
  const job = await script(`
    const all = await sql\`select district, count(*) as n from people group by district\`;
    const ill = await sql\`select district, count(*) as n from people where disease = \${"高血压"} group by district\`;
    const rate = new Map(ill.map((row) => [row.district, row.n]));
    output.table("rates", all.map((row) => ({ district: row.district, rate: rate.get(row.district) / row.n })));
    output.table("all", all);
    output.json("summary", { districts: all.length });
    console.log("districts", all.length);
  `);
  t.match(job, { state: "succeeded", egress: { verdict: "release" } });
  t.strictSame(
    job.outputs.map((output) => output.name),
    ["rates", "all", "summary"],
  );
  const { rows } = await table(job.egress.releaseId!, "rates");
  t.equal(rows.length, 6);
  for (const [, rate] of rows as [string, number][]) t.ok(rate > 0 && rate < 1);
  t.strictSame(await (await content(job.egress.releaseId!, "application/json", "summary")).json(), { districts: 6 });
  t.match(await acme.jobs.log(job.id), [{ level: "log", text: "districts 6" }]);
});

t.test("a script that asks for rows gets an error with a code and can go on", async (t) => {
  const job = await script(`
    let code = "none";
    try { await sql\`select * from people\`; } catch (error) { code = error.code; }
    output.json("code", code);
  `);
  t.match(job, { state: "succeeded", egress: { verdict: "release" } });
  t.equal(await (await content(job.egress.releaseId!, "application/json", "code")).json(), "plan_refused");
});

t.test("a script's own failure is told with its line", async (t) => {
  const job = await script("const x = 1;\nthrow new Error('no good');\n");
  t.match(job, { state: "failed", reasonCode: "script_error" });
  t.match(job.reason, /no good/);
  t.match(job.reason, /line 2/);
  t.match(await script("output.json('a'"), { state: "failed", reasonCode: "script_error" });
  t.match(await script("const x = 1;"), { state: "failed", reasonCode: "output_missing" });
});

t.test("an image with just-in-time compilation is refused where the scenario was not granted it", async (t) => {
  const spec = { scenario: "clinic-access", image: "javascript-jit@1", script: "output.json('n', 1)" };
  await t.rejects(acme.jobs.submit(spec), { code: "image_refused" });
  await t.rejects(acme.jobs.submit({ ...spec, image: "javascript@9" }), { code: "invalid_request" });
});

t.test("a query of a script that saw rows is quoted to nobody but reviewers", async (t) => {
  const job = await script(
    "const [row] = await sql`select name from people limit 1`; await sql(`select \"${row.name}\" from people`).catch(() => 0); output.json('n', 1);",
    "row-study",
  );
  t.match(job, { state: "succeeded", egress: { verdict: "review" } });
  t.notMatch(JSON.stringify(await acme.egress.get(job.egress.requestId!)), /人0/);
  t.notMatch(JSON.stringify(job), /人0/);
  t.match(JSON.stringify(await reviewer.egress.get(job.egress.requestId!)), /人0/);
});

t.test("rows are quarantined: the developer sees nothing until a reviewer approves", async (t) => {
  const job = await sql("select district, birth, income from people limit 5", "row-study");
  t.match(job, { state: "succeeded", egress: { verdict: "review", requestId: /^egr_/ } });
  t.notOk(job.egress.releaseId);
  t.strictSame(job.outputs, [], "not even how many rows there are");
  const request = job.egress.requestId!;
  const mine = await acme.egress.get(request);
  t.equal(mine.state, "under_review");
  t.notOk(mine.evidence, "an applicant sees no evidence");
  const seen = await reviewer.egress.get(request);
  t.match(seen, { evidence: [{ label: "row_level" }], facts: { label: "row_level" } });
  const approved = await reviewer.egress.review(request, { decision: "approve", comment: "五行样例，已核对" });
  t.match(approved, { state: "released", releaseId: /^rel_/ });
  t.equal((await table(approved.releaseId!)).rows.length, 5);
  t.match(await acme.jobs.get(job.id), { egress: { verdict: "release", releaseId: approved.releaseId } });
});

t.test("a script that saw rows taints everything that it emits", async (t) => {
  const job = await script(
    "const rows = await sql`select name, income from people limit 1`; console.log(rows[0].name); output.json('n', 1); ",
    "row-study",
  );
  t.match(job, { state: "succeeded", egress: { verdict: "review" } });
  t.strictSame(await acme.jobs.log(job.id), [], "the log is the operator's");
  t.match(await reviewer.jobs.log(job.id), [{ text: "人0" }]);
  const thrown = await script(
    "const r = await sql`select name from people limit 1`; throw new Error(r[0].name);",
    "row-study",
  );
  t.match(thrown, { state: "failed", reasonCode: "script_error" });
  t.notMatch(JSON.stringify(thrown), /人0/, "an error carries nothing either");
});

t.test("a rejected request is not released, and a second review is refused", async (t) => {
  const job = await sql("select district, birth from people limit 3", "row-study");
  const request = job.egress.requestId!;
  const rejected = await reviewer.egress.review(request, {
    decision: "reject",
    comment: "逐行数据",
    reasonCodes: ["row_level"],
  });
  t.match(rejected, { state: "rejected", verdict: "block" });
  await t.rejects(reviewer.egress.review(request, { decision: "approve", comment: "x" }), {
    code: "invalid_transition",
  });
  t.match(await acme.jobs.get(job.id), { egress: { verdict: "block" } });
});

t.test("the same job twice gives the same bytes", async (t) => {
  const text = "select district, count(*) as n, avg(income) as m, sum(income) as s from people group by district";
  const [one, two] = [await sql(text), await sql(text)];
  const bytes = async (id: string) =>
    Buffer.from(await (await content(id, "application/vnd.apache.arrow.stream")).arrayBuffer()).toString("base64");
  t.equal(await bytes(one.egress.releaseId!), await bytes(two.egress.releaseId!));
});

t.test("the server keeps everything over a restart, and the audit log verifies", async (t) => {
  const before = await sql("select district, count(*) as n from people group by district");
  await server.restart();
  const client = await server.client("acme", "developer");
  t.match(await client.jobs.get(before.id), { state: "succeeded", egress: { releaseId: before.egress.releaseId } });
  t.equal((await table(before.egress.releaseId!)).rows.length, 6);
  const again = await client.jobs.submit(
    { scenario: "clinic-access", image: "sql@1", sql: "select count(*) as n from people" },
    { waitSeconds: 30 },
  );
  t.equal(again.state, "succeeded");
});
