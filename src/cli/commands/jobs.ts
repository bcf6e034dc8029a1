import type { JobEvent, JobState } from "#contract/job.ts";
import { connect } from "../connect.ts";
import { languageOf } from "../language.ts";
import { collect, listOutcome, objectOutcome, takeItems } from "../list.ts";
import { formatJob, summariseJob } from "../print/job.ts";
import { printable } from "../print/printable.ts";
import type { CommandBody } from "../terminal.ts";

export interface ListJobsOptions {
  scenario?: string;
  state?: JobState;
  limit: number;
}

export const listJobs: CommandBody<ListJobsOptions> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  const jobs = client.jobs.list({ scenario: options.scenario, state: options.state });
  return listOutcome(await takeItems(jobs, options.limit), {
    job: ({ id }) => id,
    scenario: ({ scenario }) => scenario,
    image: ({ image }) => image,
    state: ({ state }) => state,
    reason: ({ reasonCode }) => reasonCode ?? "",
    egress: ({ egress }) => egress.verdict,
    release: ({ egress }) => egress.releaseId ?? "",
    submitted: ({ submittedAt }) => submittedAt,
  });
};

export const showJob: CommandBody<object> = async ({ terminal, args: [id = ""] }) => {
  const client = await connect(terminal);
  const job = await client.jobs.get(id);
  return objectOutcome(job, formatJob(job, languageOf(terminal)));
};

export const showLog: CommandBody<object> = async ({ terminal, args: [id = ""] }) => {
  const client = await connect(terminal);
  const lines = await client.jobs.log(id);
  const text = lines.map((line) => `${line.level.padEnd(5)} ${printable(line.text)}`).join("\n");
  return objectOutcome({ items: lines }, text);
};

export const cancelJob: CommandBody<object> = async ({ terminal, args: [id = ""] }) => {
  const client = await connect(terminal);
  const job = await client.jobs.cancel(id);
  return objectOutcome(job, summariseJob(job));
};

/** Follows the states until the server ends the stream, which it does when the job has ended. */
export const followJob: CommandBody<object> = async ({ terminal, args: [id = ""] }) => {
  const client = await connect(terminal);
  const events = client.jobs.events(id, { signal: terminal.signal });
  return { status: 0, json: async () => ({ items: await collect(events) }), text: () => eventLines(events) };
};

async function* eventLines(events: AsyncIterable<JobEvent>): AsyncGenerator<string, void> {
  for await (const { at, type, state, stage } of events) yield `${at} ${type} ${printable(state ?? stage ?? "")}\n`;
}
