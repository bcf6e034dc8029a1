import { join } from "node:path";
import { createClient, type Client } from "#client/index.ts";
import type { JobSubmit, JobView } from "#contract/job.ts";
import type { Role } from "#contract/organisation.ts";
import type { ReleasedTable } from "#contract/release.ts";
import { createDevelopmentIssuer } from "#identity/index.ts";

/** The people of the demonstration, and where it writes. */
export interface Scene {
  /** Submits jobs for the developer organisation. */
  developer: Client;
  /** Reviews for the operator. */
  reviewer: Client;
  /** Runs the space for the operator, by the command line. */
  operatorToken: string;
  /** Reads the audit log for the implementing body. */
  auditor: Client;
  print(text: string): void;
}

export interface SceneSettings {
  url: string;
  /** Of the server: the development issuer's key lies there. */
  dataDirectory: string;
  print(text: string): void;
}

export async function openScene({ url, dataDirectory, print }: SceneSettings): Promise<Scene> {
  const issuer = await createDevelopmentIssuer(dataDirectory);
  const tokenOf = async (subject: string, organisation: string, role: Role): Promise<string> =>
    issuer.issueToken({ subject, organisation, roles: [role], lifetimeSeconds: 3600 });
  const login = async (...person: Parameters<typeof tokenOf>): Promise<Client> =>
    createClient({ url, token: await tokenOf(...person) });
  return {
    developer: await login("lin", "acme", "developer"),
    reviewer: await login("zhou", "wz-operator", "reviewer"),
    operatorToken: await tokenOf("wu", "wz-operator", "operator"),
    auditor: await login("xu", "wz-data-bureau", "audit"),
    print,
  };
}

/** Something is not as it should be: the demonstration ends with status 1. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

const WAIT_SECONDS = 20;

/** Submits and waits for the end; the time is from before the request to after the answer. */
export async function runJob(client: Client, spec: JobSubmit): Promise<{ job: JobView; elapsedMs: number }> {
  const startMs = performance.now();
  const first = await client.jobs.submit(spec, { waitSeconds: WAIT_SECONDS });
  const job = await client.jobs.wait(first.id, { withinMs: 30_000 });
  return { job, elapsedMs: performance.now() - startMs };
}

export async function readTable(client: Client, releaseId: string, output?: string): Promise<ReleasedTable> {
  return (await (await client.releases.content(releaseId, "json", { output })).json()) as ReleasedTable;
}

export interface DemoPlaces {
  space: string;
  state: string;
  log: string;
  exportedLog: string;
}

export function placesIn(directory: string): DemoPlaces {
  return {
    space: join(directory, "space"),
    state: join(directory, "state"),
    log: join(directory, "server.log"),
    exportedLog: join(directory, "audit.ndjson"),
  };
}
