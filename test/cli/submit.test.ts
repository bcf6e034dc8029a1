import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { JobView } from "#contract/job.ts";
import { sendJson, sendProblem, startDouble, type Answer } from "../client/http-double.ts";
import { run } from "./terminal-double.ts";

const SQL = "SELECT district,\n  max(income)\nFROM residents GROUP BY district";
const OUTPUT: JobView["outputs"][number] = {
  name: "result",
  kind: "table",
  rows: 2,
  bytes: 10,
  columns: [],
  suppressed: 1,
};
const JOB: JobView = {
  id: "job_1",
  scenario: "s",
  organisation: "acme",
  submittedBy: "lin",
  image: "sql@1",
  class: "interactive",
  mode: "run",
  state: "succeeded",
  submittedAt: "2026-11-23T10:00:00.000Z",
  finishedAt: "2026-11-23T10:00:00.250Z",
  outputs: [OUTPUT],
  egress: { verdict: "release_transformed", releaseId: "rel_1", findings: [] },
};
const TABLE = {
  columns: [
    { name: "district", type: "VARCHAR" },
    { name: "n", type: "BIGINT" },
  ],
  rows: [
    ["瑞安市", "83"],
    ["洞头区", null],
  ],
  suppressed: 1,
  notes: [{ rule: "R1", message: "small cells" }],
};
const FAILED: JobView = {
  ...JOB,
  state: "failed",
  reasonCode: "plan_refused",
  outputs: [],
  egress: {
    verdict: "block",
    findings: [
      {
        rule: "R9",
        family: "form",
        code: "aggregate_refused",
        effect: "refuse",
        message: "one person",
        construct: "max(income)",
        position: SQL.indexOf("max"),
      },
    ],
  },
};
const WAIT = ["submit", "--scenario", "s", "--sql", "-", "--wait"];

async function submit(t: Test, args: string[], answers: Answer[], stdin = SQL) {
  const { url, seen } = await startDouble(t, answers);
  return { ...(await run(args, { env: { SLUICE_URL: url, SLUICE_TOKEN: "a.b.c" }, stdin })), seen };
}

t.test("a released table is printed, with the summary on stderr", async (t) => {
  const { status, stdout, stderr, seen } = await submit(t, WAIT, [sendJson(200, JOB), sendJson(200, TABLE)]);
  t.equal(status, 0);
  t.equal(stdout, "district   n\n────────  ──\n瑞安市    83\n洞头区     —\n1 suppressed (—)\nR1: small cells\n");
  t.equal(stderr, "job_1 succeeded: release_transformed, rel_1, 250 ms\n");
  t.equal(seen[1]?.path, "/v1/releases/rel_1/content?output=result");
});

t.test("--json prints the job and its outputs as one document, and nothing on stderr", async (t) => {
  const { status, stdout, stderr } = await submit(t, [...WAIT, "--json"], [sendJson(200, JOB), sendJson(200, TABLE)]);
  t.equal(status, 0);
  t.same(JSON.parse(stdout), { job: JOB, outputs: { result: TABLE } });
  t.equal(stderr, "");
});

t.test("--format csv passes the bytes on", async (t) => {
  const csv: Answer = (request, response) => {
    t.equal(request.headers.accept, "text/csv");
    response.end("district,n\r\n瑞安市,83\r\n");
  };
  const { stdout } = await submit(t, [...WAIT, "--format", "csv"], [sendJson(200, JOB), csv]);
  t.equal(stdout, "district,n\r\n瑞安市,83\r\n");
});

t.test("a refusal has status 1 and marks the place", async (t) => {
  const { status, stdout, stderr } = await submit(t, WAIT, [sendJson(200, FAILED)]);
  t.equal(status, 1);
  t.equal(stdout, "");
  t.match(stderr, "  2 │   max(income)\n    │   ^^^^^^^^^^^\n");
  t.match(stderr, "job_1 failed: plan_refused\n");
  const json = await submit(t, [...WAIT, "--json"], [sendJson(200, FAILED)]);
  t.equal(json.status, 1);
  t.match(JSON.parse(json.stdout), { job: { reasonCode: "plan_refused" }, outputs: {} });
});

t.test("waiting for a reviewer is no failure", async (t) => {
  const review = { ...JOB, egress: { verdict: "review", requestId: "egr_1", findings: [] } };
  const { status, stdout, stderr } = await submit(t, WAIT, [sendJson(200, review)]);
  t.equal(status, 0);
  t.equal(stdout, "");
  t.match(stderr, "waits for a reviewer, egr_1");
});

t.test("a job that takes longer than the server holds the answer is waited for", async (t) => {
  const queued = { ...JOB, state: "queued", egress: { verdict: "pending", findings: [] } };
  const { status, seen } = await submit(t, WAIT, [
    sendJson(202, queued),
    sendJson(200, { ...queued, state: "running" }),
    sendJson(200, JOB),
    sendJson(200, TABLE),
  ]);
  t.equal(status, 0);
  t.equal(seen[0]?.headers.prefer, "wait=10");
  t.equal(seen.length, 4);
});

t.test("without --wait only the identifier is printed", async (t) => {
  const { stdout, seen } = await submit(t, ["submit", "--scenario", "s", "--sql", "-"], [sendJson(202, JOB)]);
  t.equal(stdout, "job_1\n");
  t.equal(seen[0]?.headers.prefer, undefined);
});

t.test("parameters keep their types and a script is sent as one", async (t) => {
  const args = ["submit", "--scenario", "s", "--script", "-", "--class", "batch"];
  const pairs = ["n=12", "f=1.5", "code=007", 'text="12"', "on=true", "none=null", "eq=a=b", "empty="];
  const { seen } = await submit(t, [...args, ...pairs.flatMap((pair) => ["--param", pair])], [sendJson(202, JOB)], "x");
  t.same(JSON.parse(seen[0]?.body ?? ""), {
    scenario: "s",
    image: "javascript@1",
    script: "x",
    class: "batch",
    parameters: { n: 12, f: 1.5, code: "007", text: "12", on: true, none: null, eq: "a=b", empty: "" },
  });
});

t.test("a problem of the server is one line with its code and reasons", async (t) => {
  const problem = {
    type: "x",
    title: "No chain",
    status: 403,
    code: "authority_missing",
    details: { reasons: ["a", "b"] },
  };
  const { status, stdout, stderr } = await submit(t, WAIT, [sendJson(403, problem)]);
  t.equal(status, 1);
  t.equal(stdout, "");
  t.equal(stderr, "sluice: authority_missing: No chain (a, b)\n");
});

t.test("a download goes to a file in one step, and a failed one leaves nothing", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-get-"));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const { url } = await startDouble(t, [
    (_request, response) => void response.end("a,b\n"),
    (_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      setTimeout(() => response.destroy(), 20);
    },
    sendProblem(410, "release_revoked"),
  ]);
  const options = { env: { SLUICE_URL: url, SLUICE_TOKEN: "a.b.c" }, directory };
  const done = await run(["releases", "get", "rel_1", "-o", "x.csv", "--json"], options);
  t.match(JSON.parse(done.stdout), { release: "rel_1", format: "csv", file: "x.csv", bytes: 4 });
  t.equal(await readFile(join(directory, "x.csv"), "utf8"), "a,b\n");
  t.equal((await run(["releases", "get", "rel_1", "-o", "y.csv"], options)).status, 1);
  t.match(await run(["releases", "get", "rel_1", "-o", "z.csv"], options), { status: 1, stderr: /release_revoked/ });
  t.same(await readdir(directory), ["x.csv"]);
});

t.test("an input file that is not there is said so", async (t) => {
  const env = { SLUICE_URL: "http://127.0.0.1:9", SLUICE_TOKEN: "a.b.c" };
  const { status, stderr } = await run(["submit", "--scenario", "s", "--sql", "no.sql"], { env });
  t.equal(status, 1);
  t.equal(stderr, "sluice: file_unreadable: no.sql: ENOENT\n");
});
