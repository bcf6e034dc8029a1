import type { JobView } from "#contract/job.ts";
import type { Language } from "../language.ts";
import { formatFindings } from "./finding.ts";
import { formatFields } from "./table.ts";

/** State, verdict and findings of one job; with the SQL at hand, places are marked in it. */
export function formatJob(job: JobView, language: Language, sql?: string): string {
  const fields = formatFields([
    ["job", job.id],
    ["title", job.title],
    ["scenario", job.scenario],
    ["image", `${job.image} (${job.class}${job.mode === "run" ? "" : `, ${job.mode}`})`],
    ["submitted", `${job.submittedAt} by ${job.submittedBy} of ${job.organisation}`],
    ["started", job.startedAt],
    ["finished", job.finishedAt],
    ["state", job.reasonCode === undefined ? job.state : `${job.state}: ${job.reasonCode}`],
    ["reason", job.reason],
    ["egress", job.egress.verdict],
    ["request", job.egress.requestId],
    ["release", job.egress.releaseId],
    ["outputs", job.outputs.map(({ name, rows, kind }) => `${name} (${kind}, ${rows} rows)`).join(", ")],
  ]);
  const findings = formatFindings(job.egress.findings, sql, language);
  return findings === "" ? fields : `${fields}\n\n${findings}`;
}

/** One line on how a job ended. */
export function summariseJob(job: JobView): string {
  const { verdict, releaseId, requestId } = job.egress;
  if (job.state !== "succeeded")
    return `${job.id} ${job.state}${job.reasonCode === undefined ? "" : `: ${job.reasonCode}`}`;
  if (releaseId !== undefined) return `${job.id} succeeded: ${verdict}, ${releaseId}${elapsed(job)}`;
  if (verdict === "review") return `${job.id} succeeded: waits for a reviewer, ${requestId ?? ""}`;
  return `${job.id} succeeded: ${verdict}`;
}

function elapsed(job: JobView): string {
  if (job.finishedAt === undefined) return "";
  const ms = Date.parse(job.finishedAt) - Date.parse(job.submittedAt);
  // a developer learns times in whole seconds: less than one is not worth a word
  if (ms % 1000 === 0) return ms === 0 ? "" : `, ${ms / 1000} s`;
  return `, ${ms} ms`;
}
