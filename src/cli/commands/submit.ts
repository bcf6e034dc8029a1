import type { Client } from "#client/index.ts";
import type { JobClass, JobSubmit, JobView } from "#contract/job.ts";
import type { ReleasedTable } from "#contract/release.ts";
import { isSettled } from "#client/index.ts";
import { parseAssignments } from "../assignments.ts";
import { usageError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { readInput } from "../input.ts";
import { languageOf } from "../language.ts";
import { formatFindings } from "../print/finding.ts";
import { summariseJob } from "../print/job.ts";
import { formatReleasedOutput } from "../print/release.ts";
import { showProgress, type CommandBody, type Terminal } from "../terminal.ts";

export interface SubmitOptions {
  scenario: string;
  sql?: string;
  script?: string;
  param?: string[];
  title?: string;
  class?: JobClass;
  validate?: boolean;
  wait?: boolean;
  timeout: number;
  output?: string;
  format: "table" | "json" | "csv";
}

export const submitCommand: CommandBody<SubmitOptions> = async ({ terminal, options }) => {
  const spec = await readJob(terminal, options);
  const client = await connect(terminal);
  // A judgement without a run is quick, and its findings are what was asked for.
  const wait = options.wait === true || options.validate === true;
  const job = await submitJob(client, terminal, { spec, wait, timeoutMs: options.timeout * 1000 });
  if (!wait) return { status: 0, json: () => job, text: () => job.id };
  const outputs = await readOutputs(client, job, options);
  const findings = formatFindings(job.egress.findings, spec.sql, languageOf(terminal));
  return {
    status: isRefused(job) ? 1 : 0,
    json: () => ({ job, outputs: Object.fromEntries(outputs.map(({ name, json }) => [name, json ?? null])) }),
    text: () => outputs.map(({ text }) => text).join("\n\n"),
    notes: [findings, summariseJob(job)].filter((note) => note !== "").join("\n"),
  };
};

async function readJob(terminal: Terminal, options: SubmitOptions): Promise<JobSubmit> {
  const { sql, script } = options;
  if ((sql === undefined) === (script === undefined)) throw usageError("give either --sql or --script");
  const program = await readInput(terminal, sql ?? script ?? "-");
  return {
    scenario: options.scenario,
    ...(sql === undefined ? { image: "javascript@1", script: program } : { image: "sql@1", sql: program }),
    ...(options.param ? { parameters: parseAssignments("--param", options.param) } : {}),
    ...(options.title === undefined ? {} : { title: options.title }),
    ...(options.class === undefined ? {} : { class: options.class }),
    ...(options.validate ? { mode: "validate" as const } : {}),
  };
}

interface Submission {
  spec: JobSubmit;
  wait: boolean;
  timeoutMs: number;
}

const SERVER_WAIT_SECONDS = 10;

async function submitJob(client: Client, terminal: Terminal, { spec, wait, timeoutMs }: Submission): Promise<JobView> {
  const { signal } = terminal;
  if (!wait) return client.jobs.submit(spec, { signal });
  const waitSeconds = Math.min(SERVER_WAIT_SECONDS, Math.ceil(timeoutMs / 1000));
  const job = await client.jobs.submit(spec, { signal, waitSeconds });
  if (isSettled(job)) return job;
  const onState = (seen: JobView): void => showProgress(terminal, `${seen.id} ${seen.state}`);
  return client.jobs.wait(job.id, { signal, withinMs: timeoutMs, onState });
}

/** Waiting for a reviewer is not a refusal. */
function isRefused(job: JobView): boolean {
  return job.state !== "succeeded" || job.egress.verdict === "block";
}

interface ReadOutput {
  name: string;
  json: unknown;
  text: string;
}

async function readOutputs(client: Client, job: JobView, options: SubmitOptions): Promise<ReadOutput[]> {
  const { releaseId } = job.egress;
  if (releaseId === undefined) return [];
  const chosen = job.outputs.filter(({ name }) => options.output === undefined || name === options.output);
  if (chosen.length === 0) throw usageError(`there is no output ${options.output ?? ""}`);
  if (chosen.length > 1 && options.format === "csv") throw usageError("several outputs: choose one with --output");
  return Promise.all(
    chosen.map(async ({ name }) => {
      if (options.format === "csv") {
        const text = await (await client.releases.content(releaseId, "csv", { output: name })).text();
        return { name, json: text, text };
      }
      const json = (await (await client.releases.content(releaseId, "json", { output: name })).json()) as ReleasedTable;
      const heading = chosen.length > 1 ? `${name}\n` : "";
      return {
        name,
        json,
        text: options.format === "json" ? JSON.stringify(json) : heading + formatReleasedOutput(json),
      };
    }),
  );
}
