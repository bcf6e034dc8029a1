import type { JobOffer } from "#contract/runner.ts";
import type { Parameters } from "#contract/job.ts";
import type { EngineClient, EngineReply } from "./engine-client.ts";
import { type JobRun, noteUnfinished } from "./job-run.ts";

export interface Statement {
  /** Number within the job, from 1. */
  statement: number;
  sql: string;
  parameters: Parameters;
}

/** Asks the engine one statement of the job; one that it does not live to answer is in the record all the same. */
export async function askQuery(
  run: JobRun,
  { offer, engine }: { offer: JobOffer; engine: EngineClient },
  { statement, sql, parameters }: Statement,
): Promise<EngineReply> {
  const { job, profile, noiseKey, limits } = offer;
  const { maxRows, maxBytes } = limits;
  const validateOnly = job.mode === "validate";
  try {
    const how = { profile, noiseKey, validateOnly, maxRows, maxBytes, alone: run.isAlone() };
    return await engine.ask({ op: "query", statement, sql, parameters, ...how });
  } catch (error) {
    noteUnfinished(run, { statement, sql });
    throw error;
  }
}
