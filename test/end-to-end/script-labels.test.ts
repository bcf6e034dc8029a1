/** What a script was given decides what may leave of it: outputs, log, error text and what is quoted of its queries. */
import t from "tap";
import type { AuditEntry } from "#contract/audit.ts";
import type { JobView } from "#contract/job.ts";
import type { ReleasedTable } from "#contract/release.ts";
import { startTestServer } from "./server.ts";
import { scenarioLike, writeSpace } from "./space.ts";

const server = await startTestServer(t);
const operator = await server.client("op", "operator");
const acme = await server.client("acme", "developer");
const reviewer = await server.client("op", "reviewer");
// the same products under an opinion that lets nothing leave by itself
const space = writeSpace(`${server.directory}/sources`);
await operator.space.apply(
  { ...space, scenarios: [scenarioLike("by-hand", { autoRelease: false })] },
  { development: true },
);

const script = async (text: string, scenario = "clinic-access"): Promise<JobView> =>
  acme.jobs.submit({ scenario, image: "javascript@1", script: text }, { waitSeconds: 60 });
const codes = ({ egress }: JobView): string[] => egress.findings.map(({ code }) => code);

// more than four keys: a person looks (R20)
const REVIEWED =
  "select district, district || '1' as a, district || '2' as b, district || '3' as c, district || '4' as d, count(*) as n from people group by all";
// one district alone brings in four people: blocked (R19)
const BLOCKED = "select count(*) as n from people where disease = '结核' and district in ('洞头', '鹿城')";
const SUPPRESSED = "select district, count(*) as n from people where disease = '结核' group by district";
const SAFE = "select district, count(*) as n from people group by district";

t.test("the statements are what their names say", async (t) => {
  for (const [sql, verdict] of [
    [REVIEWED, "review"],
    [BLOCKED, "block"],
    [SUPPRESSED, "release_transformed"],
    [SAFE, "release"],
  ] as const) {
    const job = await acme.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 60 });
    t.equal(job.egress.verdict, verdict, `${sql}: ${codes(job).join()}`);
  }
});

t.test("the log of a job of which nothing was released leaves by a release of its own", async (t) => {
  const auditor = await server.client("op", "security");
  const reads = async () => {
    const found: AuditEntry[] = [];
    for await (const entry of auditor.audit.entries()) if (entry.action === "job.log_read") found.push(entry);
    return found;
  };
  const limited = scenarioLike("few-releases", { autoRelease: true });
  limited.agreement = { ...limited.agreement!, quota: { releases: 2 } };
  await operator.space.apply({ ...space, scenarios: [limited] }, { development: true });
  const told = `console.log((await sql\`${SAFE}\`).toArray()[0].n); output.json("n", 1);`;
  const request = { scenario: "few-releases", image: "javascript@1", script: told };
  const run = async (requestEgress: boolean) => acme.jobs.submit({ ...request, requestEgress }, { waitSeconds: 60 });
  const [released, first, second] = [await run(true), await run(false), await run(false)];
  t.ok(released.egress.releaseId);
  t.equal((await acme.jobs.log(released.id)).length, 1);
  t.strictSame(await reads(), [], "its release covers its log");
  t.equal((await acme.jobs.log(first.id)).length, 1);
  t.equal((await acme.jobs.log(first.id)).length, 1);
  t.match(await reads(), [{ subject: { kind: "job", id: first.id }, actor: { organisation: "acme" } }], "once");
  await t.rejects(acme.jobs.log(second.id), { code: "quota_exceeded", details: { limit: "releases" } });
  t.equal((await acme.jobs.log(first.id)).length, 1, "what was read may be read again");
  t.equal((await reads()).length, 1);
  const nothing = await acme.jobs.submit(
    { ...request, script: 'console.log("mine"); output.json("n", 1);', requestEgress: false },
    { waitSeconds: 60 },
  );
  t.equal((await acme.jobs.log(nothing.id)).length, 1, "a script that was given nothing says what it likes");
});

t.test("a script that reads a reviewed result and emits something else waits for a person, log and all", async (t) => {
  const job = await script(`
    const rows = (await sql\`${REVIEWED}\`).toArray().filter((row) => row.n !== null);
    console.log(rows.length, rows[0].n);
    output.json("answer", 42);
    output.table("n" + rows.length, [[rows[0].n]]);
  `);
  t.match(job, { state: "succeeded", egress: { verdict: "review" } });
  t.notOk(job.egress.releaseId);
  t.same(job.outputs, [], "names are text of the script too");
  t.same(await acme.jobs.log(job.id), []);
  t.equal((await reviewer.jobs.log(job.id)).length, 1);
  const mine = await acme.egress.get(job.egress.requestId!);
  t.same([mine.outputs, mine.facts, mine.evidence], [[], undefined, undefined]);
  const approved = await reviewer.egress.review(job.egress.requestId!, { decision: "approve", comment: "checked" });
  t.match(approved, { state: "released" });
  t.same(await acme.jobs.log(job.id), [], "what was approved are the outputs");
});

t.test("a script that catches a block is blocked, whatever it emits", async (t) => {
  const job = await script(`
    let bit = 0;
    try { await sql\`${BLOCKED}\`; } catch (error) { bit = error.code === "egress_block" ? 1 : 2; }
    console.log(bit);
    await sql\`${SAFE}\`;
    output.json("bit", bit);
  `);
  t.match(job, { state: "succeeded", egress: { verdict: "block" } });
  t.match(job.egress.findings, [{ rule: "R19", effect: "block", subject: "query 1" }]);
  t.same([job.outputs, await acme.jobs.log(job.id)], [[], []]);
  const again = { job: job.id, productType: "statistical_report" as const, purpose: "again", recipients: ["acme"] };
  const applied = await acme.egress.request(again);
  t.match(applied, { state: "rejected", verdict: "block" }, "nor on a second application");
});

t.test("a refusal by form tells nothing and blocks nothing", async (t) => {
  const job = await script(`
    let code = "";
    try { await sql\`select max(income) from people\`; } catch (error) { code = error.code; }
    console.log(code);
    output.table("all", await sql\`${SAFE}\`);
  `);
  t.match(job, { egress: { verdict: "release" } });
  t.match(job.egress.findings, [{ code: "aggregate_refused", effect: "note" }]);
  t.match(await acme.jobs.log(job.id), [{ text: "plan_refused" }]);
});

t.test("a script cannot see what is suppressed, and what it makes of it is a transformed release", async (t) => {
  const job = await script(`
    const rows = await sql\`${SUPPRESSED}\`;
    output.json("seen", { hidden: rows.filter((row) => row.n === null).length, suppressed: rows.suppressed, n: rows.map((row) => row.n) });
  `);
  t.match(job, { egress: { verdict: "release_transformed" } });
  t.ok(codes(job).includes("cell_too_small"));
  const response = await acme.releases.content(job.egress.releaseId!, "json", { output: "seen" });
  const seen = (await response.json()) as { hidden: number; suppressed: number; n: (number | null)[] };
  // that 洞头 has somebody with the disease would tell, too: its row is not there
  t.same([seen.n.length, seen.hidden, seen.suppressed], [5, 0, 0]);
  t.notOk(seen.n.includes(4), "the four people of 洞头");
});

t.test("a script that reads a reviewed result and fails says nothing of it", async (t) => {
  const job = await script(
    `const rows = (await sql\`${REVIEWED}\`).toArray().filter((row) => row.n !== null); throw new Error("n is " + rows[0].n);`,
  );
  t.match(job, { state: "failed", reasonCode: "script_error" });
  t.notMatch(job.reason, /n is/);
  t.same(await acme.jobs.log(job.id), []);
  const honest = await script(
    `const rows = await sql\`${SAFE}\`; console.log("here"); throw new Error("n is " + rows[0].n);`,
  );
  t.match(honest.reason, /n is \d+/, "of what would leave by itself it may");
  t.match(await acme.jobs.log(honest.id), [{ text: "here" }]);
  const plain = await script(`console.log("before"); throw new Error("mine")`);
  t.match(plain.reason, /mine/);
});

t.test("what quotes a query is not told once the script was given something to be reviewed", async (t) => {
  const job = await script(`
    const rows = (await sql\`${REVIEWED}\`).toArray().filter((row) => row.n !== null);
    await sql("select secret_" + rows[0].n + " from people").catch(() => 0);
    output.json("x", 1);
  `);
  t.match(job, { egress: { verdict: "review" } });
  const mine = await acme.egress.get(job.egress.requestId!);
  t.notMatch(JSON.stringify([job, mine]), /secret_/);
  t.match(JSON.stringify(await reviewer.egress.get(job.egress.requestId!)), /secret_/);
});

t.test("where nothing leaves by itself, neither do log, error text, output names and queries", async (t) => {
  const job = await script(
    `const rows = await sql\`${SAFE}\`;
     console.log(rows[0].n);
     await sql("select secret_" + rows[0].n + " from people").catch(() => 0);
     output.table("n" + rows[0].n, rows);`,
    "by-hand",
  );
  t.match(job, { state: "succeeded", egress: { verdict: "review" } });
  t.same([job.outputs, await acme.jobs.log(job.id)], [[], []]);
  t.notMatch(JSON.stringify(job), /secret_/);
  t.match(codes(job), ["not_permitted_automatically"]);
  const failed = await script(`const rows = await sql\`${SAFE}\`; throw new Error("n is " + rows[0].n);`, "by-hand");
  t.notMatch(failed.reason, /n is/);
  const unasked = await acme.jobs.submit(
    { scenario: "by-hand", image: "sql@1", sql: SAFE, requestEgress: false },
    { waitSeconds: 60 },
  );
  t.match(unasked, { egress: { verdict: "not_requested" }, outputs: [] });
  const early = await script(`console.log("no data yet"); await sql\`select nothing from people\`;`, "by-hand");
  t.match([early.reasonCode, codes(early)], ["query_invalid", ["name_not_found"]]);
  t.match(await acme.jobs.log(early.id), [{ text: "no data yet" }]);
});

t.test("rows raise the label of everything after them, whatever else was read", async (t) => {
  const job = await script(
    `const all = await sql\`${SAFE}\`;
     const [row] = await sql\`select name from people limit 1\`;
     output.table("all", all);`,
    "row-study",
  );
  t.match(job, { state: "succeeded", egress: { verdict: "review" }, outputs: [] });
  const seen = await reviewer.egress.get(job.egress.requestId!);
  t.match(seen.facts, { label: "row_level", maxGrade: "L4", products: ["people"] });
});

t.test("what a safe script hands on untouched is the released table, not the computed one", async (t) => {
  const job = await script(`output.table("as-is", await sql\`${SUPPRESSED}\`);`);
  const table = (await (await acme.releases.content(job.egress.releaseId!, "json")).json()) as ReleasedTable;
  t.equal(table.rows.length, 5, "the sixth district is not there");
  t.notOk(table.rows.some(([, n]) => String(n) === "4"));
  t.ok(table.notes.some(({ rule }) => rule === "R1"));
});
