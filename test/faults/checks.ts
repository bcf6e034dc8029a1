/** What must hold after everything that was done to a server. */
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { AuditEntry } from "#contract/audit.ts";
import type { ReleaseView } from "#contract/release.ts";
import type { Load } from "./load.ts";
import type { Target } from "./target.ts";

/** Where it is looked, and what had been seen by then. */
type Place = Pick<Target, "directory" | "url" | "client" | "token">;
type Seen = Pick<Load, "acknowledged" | "ended" | "others" | "wrong">;

const ROOT = resolve(import.meta.dirname, "../..");
const ENDS = ["job.succeeded", "job.failed", "job.cancelled"];

/** In words, everything that does not hold. */
export async function violations(target: Place, load: Seen): Promise<string[]> {
  const entries = await allEntries(target);
  const jobs = await allJobs(target);
  return [
    ...load.wrong,
    ...endsOnce(entries, load),
    ...jobs
      .filter((id) => !load.acknowledged.has(id) && !load.others.has(id))
      .map((id) => `${id} was made and never acknowledged`),
    ...(await releasesMatch(target, entries)),
    ...(await auditVerifies(target)),
  ];
}

async function allEntries(target: Place): Promise<AuditEntry[]> {
  const auditor = await target.client("op", "audit");
  const entries: AuditEntry[] = [];
  for await (const entry of auditor.audit.entries()) entries.push(entry);
  return entries;
}

async function allJobs(target: Place): Promise<string[]> {
  const acme = await target.client("acme", "developer");
  const ids: string[] = [];
  for await (const { id } of acme.jobs.list({ limit: 200 })) ids.push(id);
  return ids;
}

/** Every acknowledged job has exactly one end in the log, and it is the one that its developer saw. */
function endsOnce(entries: readonly AuditEntry[], { acknowledged, ended }: Seen): string[] {
  return [...acknowledged].flatMap((id) => {
    const ends = entries.filter(({ action, subject }) => ENDS.includes(action) && subject.id === id);
    if (ends.length !== 1) return [`${id} has ${ends.length} ends`];
    const seen = ended.get(id)?.state;
    return ends[0]!.action === `job.${seen}` ? [] : [`${id} is ${seen}, the log says ${ends[0]!.action}`];
  });
}

/** Each release has its entry, and each entry its release. */
async function releasesMatch(target: Place, entries: readonly AuditEntry[]): Promise<string[]> {
  const acme = await target.client("acme", "developer");
  const releases: ReleaseView[] = [];
  for await (const release of acme.releases.list({ limit: 200 })) releases.push(release);
  const told = entries.filter(({ action }) => action === "egress.released").map(({ subject }) => subject.id);
  const known = new Set(releases.map(({ id }) => id));
  return [
    ...releases
      .filter(({ id }) => told.filter((each) => each === id).length !== 1)
      .map(({ id }) => `${id} has no entry`),
    ...told.filter((id) => !known.has(id)).map((id) => `${id} is in the log and nowhere else`),
  ];
}

/** The real command, in a process of its own. */
async function auditVerifies(target: Place): Promise<string[]> {
  const client = await target.token("op", "audit");
  const env = {
    PATH: process.env["PATH"],
    HOME: target.directory,
    SLUICE_URL: await target.url(),
    SLUICE_TOKEN: client,
  };
  const words = ["--no-node-snapshot", join(ROOT, "src/bin/sluice.ts"), "audit", "verify"];
  try {
    await promisify(execFile)(process.execPath, words, { env });
    return [];
  } catch (error) {
    return [`sluice audit verify: ${String((error as { stderr?: string }).stderr ?? error)}`];
  }
}
