/** Jobs of a live scenario, and reports of a runner that did not run. */
import { checkAuthority } from "#authority/index.ts";
import type { EgressFacts } from "#contract/egress.ts";
import type { JobSubmit } from "#contract/job.ts";
import type { JobReport } from "#contract/runner.ts";
import type { Principal } from "#identity/index.ts";
import { submitJob } from "#jobs/index.ts";
import { claimJobs } from "#scheduling/index.ts";
import type { Database } from "#persistence/index.ts";
import { loadImages } from "#runner/index.ts";
import { act, clock, developer } from "../authority/stage.ts";

export const images = loadImages("sandbox-images", ".");
export const runner = { kind: "runner" as const, id: "run_test" };
export const principal: Principal = {
  subject: "zhao",
  organisation: "acme",
  organisationKind: "developer",
  roles: ["developer"],
};

export async function submit(
  db: Database,
  request: Partial<JobSubmit> = {},
  queue = { total: 1000, organisation: 1000 },
) {
  const full: JobSubmit = { scenario: "clinic-access", image: "sql@1", sql: "select 1", ...request };
  return act(db, developer, async (context) => {
    const question = { scenario: full.scenario, organisation: "acme", purpose: "job" as const, clock };
    const authority = await checkAuthority(context.tx, question);
    if (authority.effect === "deny") throw new Error(authority.reasons.join());
    return submitJob(context, {
      principal,
      request: full,
      chain: authority.chain,
      image: images.get(full.image)!,
      queue,
    });
  });
}

export async function claim(db: Database, limit = 1) {
  const options = { runner: "run_test", leaseMs: 30_000, limit };
  return (await act(db, runner, async (context) => claimJobs(context, options))).jobs;
}

export const facts: EgressFacts = {
  label: "safe",
  cells: 4,
  suppressedCells: 0,
  blockedBy: [],
  reviewBy: [],
  suppressedBy: [],
  maxGrade: "L3",
  products: ["residents"],
};

export function report(change: Partial<JobReport> = {}): JobReport {
  const descriptor = { name: "result", kind: "table" as const, rows: 4, bytes: 9, columns: [], suppressed: 0 };
  return {
    kind: "job",
    state: "succeeded",
    label: "safe",
    findings: [],
    facts,
    outputs: [{ descriptor, quarantine: 0, release: 1 }],
    statements: [],
    log: [{ seq: 1, level: "log", text: "done" }],
    events: [],
    stages: { wall: 5 },
    usage: { cpuMs: 1, peakMemoryBytes: 1, statements: 0, rows: 0, bytes: 0 },
    confinement: "process",
    ...change,
  };
}
