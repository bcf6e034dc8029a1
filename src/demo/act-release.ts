import { formatFindings, formatReleasedTable } from "#cli/index.ts";
import { BUSY_AIRPORTS, HEART_PATIENTS, HIGHEST_INCOME, ROW_DUMP, VISIT_RATES } from "./queries.ts";
import { expect, readTable, runJob, type Scene } from "./scene.ts";
import { indent } from "./narration.ts";

const SCENARIO = "clinic-access";

/** A safe aggregate over public data. @returns milliseconds from submit to release */
export async function releaseAtOnce({ developer, print }: Scene): Promise<number> {
  print(indent(BUSY_AIRPORTS));
  const { job, elapsedMs } = await runJob(developer, { scenario: SCENARIO, image: "sql@1", sql: BUSY_AIRPORTS });
  expect(job.state === "succeeded", `the job ${job.state}: ${job.reasonCode ?? ""}`);
  expect(job.egress.verdict === "release", `the verdict is ${job.egress.verdict}, not release`);
  expect(job.egress.releaseId !== undefined, "nothing was released");
  const table = await readTable(developer, job.egress.releaseId);
  expect(table.rows.length === 10, `${table.rows.length} rows instead of 10`);
  expect(table.suppressed === 0, "something was withheld");
  print(`  → released as ${job.egress.releaseId}, no person involved: every rule held.`);
  print(indent(formatReleasedTable(table)));
  return elapsedMs;
}

/** The first query again: the second time the engine holds the products already. */
export async function tellTimes({ developer, print }: Scene, firstMs: number): Promise<void> {
  const { job, elapsedMs } = await runJob(developer, { scenario: SCENARIO, image: "sql@1", sql: BUSY_AIRPORTS });
  expect(job.egress.verdict === "release", `the verdict is ${job.egress.verdict}, not release`);
  print(
    `  → the first query took ${firstMs.toFixed(0)} ms, starting its engine; the same again ${elapsedMs.toFixed(0)} ms.`,
  );
}

/** Small cells are withheld, the rest leaves. */
export async function suppressSmallCells({ developer, print }: Scene): Promise<void> {
  print(indent(HEART_PATIENTS));
  const { job } = await runJob(developer, { scenario: SCENARIO, image: "sql@1", sql: HEART_PATIENTS });
  const { verdict, releaseId } = job.egress;
  expect(verdict === "release_transformed", `the verdict is ${verdict} (${job.reasonCode ?? job.state})`);
  expect(releaseId !== undefined, "nothing was released");
  const table = await readTable(developer, releaseId);
  expect(
    table.notes.some(({ rule }) => rule === "R1"),
    "no cell was withheld",
  );
  expect(table.rows.length > 0, "every cell was withheld");
  expect(
    table.rows.every((row) => row[1] === null || Number(row[1]) >= 10),
    "a cell of fewer than ten people left",
  );
  print(`  → released as ${releaseId}; districts where too few have it are not even named, for that would tell too.`);
  print(indent(formatReleasedTable(table)));
}

/** Rows of people never leave. */
export async function refuseRows(scene: Scene): Promise<void> {
  await refuse(scene, ROW_DUMP);
}

/** A maximum is the value of one person. */
export async function refuseMaximum(scene: Scene): Promise<void> {
  const finding = await refuse(scene, HIGHEST_INCOME);
  expect(finding.suggestion !== undefined, "the refusal suggests no other form");
}

async function refuse({ developer, print }: Scene, sql: string) {
  print(indent(sql));
  const { job } = await runJob(developer, { scenario: SCENARIO, image: "sql@1", sql });
  expect(job.state === "failed", `the job ${job.state}`);
  expect(job.reasonCode === "plan_refused", `the reason is ${job.reasonCode ?? "missing"}, not plan_refused`);
  expect(job.egress.releaseId === undefined && job.outputs.length === 0, "something was released");
  const [finding] = job.egress.findings;
  expect(finding !== undefined, "the refusal gives no reason");
  print("  → refused before it ran; nothing was read.");
  print(indent(formatFindings(job.egress.findings, sql)));
  return finding;
}

/** A script that sees only aggregates which passed the gate: what it makes of them is safe. */
export async function computeRates({ developer, print }: Scene): Promise<void> {
  print(indent(VISIT_RATES));
  const { job } = await runJob(developer, { scenario: SCENARIO, image: "javascript@1", script: VISIT_RATES });
  expect(job.state === "succeeded", `the job ${job.state}: ${job.reasonCode ?? ""} ${job.reason ?? ""}`);
  expect(job.egress.verdict === "release", `the verdict is ${job.egress.verdict}, not release`);
  expect(job.egress.releaseId !== undefined, "nothing was released");
  const table = await readTable(developer, job.egress.releaseId, "rates");
  expect(table.rows.length === 12, `${table.rows.length} districts instead of 12`);
  const [line] = await developer.jobs.log(job.id);
  expect(line?.text === "districts: 12", "the script's log is not there");
  print(`  → released as ${job.egress.releaseId}; the script's log may be read too ("${line.text}").`);
  print(indent(formatReleasedTable(table)));
}
