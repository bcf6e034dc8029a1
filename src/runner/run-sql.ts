import type { QueryAnswer } from "#contract/engine.ts";
import type { JobOffer } from "#contract/runner.ts";
import { askQuery } from "./ask-query.ts";
import type { EngineClient } from "./engine-client.ts";
import { type JobEnd, type JobRun, noteAnswer, noteRefusal } from "./job-run.ts";

/** Runs `sql@1`: one statement, whose result is the output named `result`. */
export async function runSql(run: JobRun, offer: JobOffer, engine: EngineClient): Promise<JobEnd> {
  const { job } = offer;
  const sql = job.sql ?? "";
  const { answer, parts } = await askQuery(run, { offer, engine }, { statement: 1, sql, parameters: job.parameters });
  run.findings.push(...("findings" in answer ? answer.findings : []));
  if (!answer.ok) {
    noteRefusal(run, { statement: 1, sql, findings: answer.findings });
    return { state: "failed", reasonCode: answer.code };
  }
  if (answer.op !== "query") return { state: "failed", reasonCode: "runner_fault" };
  noteAnswer(run, answer);
  run.facts.push(answer.facts);
  if (answer.ran) keepResult(run, answer, parts);
  return { state: "succeeded" };
}

function keepResult(run: JobRun, answer: QueryAnswer, parts: readonly Uint8Array[]): void {
  const [computed, releasable] = parts;
  if (!computed) return;
  run.parts.push(computed);
  const canLeave = answer.label === "safe" && releasable !== undefined && releasable.byteLength > 0;
  // nothing was transformed: one object is both
  const isSame = canLeave && Buffer.compare(computed, releasable) === 0;
  if (canLeave && !isSame) run.parts.push(releasable);
  run.outputs.push({
    descriptor: { ...answer.output, name: "result" },
    quarantine: 0,
    ...(canLeave ? { release: isSame ? 0 : 1 } : {}),
  });
}
