/**
 * Outside the box, in a process of its own so that it can be another user's: starts the probe in the confinement and
 * role that its arguments name, and prints as one JSON line what the probe saw and what became of its deeds.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join, resolve } from "node:path";
import { ConfinedProcess, type ProcessEnd } from "../../src/runner/confined-process.ts";
import type { Confinement, LaunchOptions } from "../../src/runner/confinement/index.ts";
import type { ProgramSource } from "../../src/runner/program.ts";

const MIB = 1024 * 1024;
const ROOT = resolve(import.meta.dirname, "../..");
export const PROBE: ProgramSource = {
  entry: "test/confinement/probe-process.ts",
  assets: [],
  natives: ["build/native/sluice-lock.node"],
};

export interface Looked {
  environment: string[];
  environs: string;
  read: Record<string, string>;
  write: Record<string, string>;
  processes: string[];
  status: string;
  mountedAs: { uid: number; pid: number };
  places: Record<string, string>;
  deeds: Record<string, { answer: unknown; end: ProcessEnd | undefined }>;
}

type Role = LaunchOptions["role"];

function plant(directory: string): Record<string, string> {
  const places: Record<string, string> = {
    granted: join(directory, "products/p/pv_1/granted.arrow"),
    otherColumn: join(directory, "products/p/pv_1/other.arrow"),
    manifest: join(directory, "products/p/pv_1/manifest.json"),
    otherProduct: join(directory, "products/q/pv_2/a.arrow"),
    subjects: join(directory, "governance/subjects/register"),
    staging: join(directory, "products/r/pv_3.staging/made"),
  };
  for (const path of Object.values(places)) {
    mkdirSync(join(path, ".."), { recursive: true });
    if (path !== places["staging"]) writeFileSync(path, "canary");
  }
  return places;
}

async function listen(address: string | number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve: done } = Promise.withResolvers<void>();
  if (typeof address === "string") server.listen(address, done);
  else server.listen(address, "127.0.0.1", done);
  await promise;
  return server;
}

function optionsOf(role: Role, places: Record<string, string>, network: boolean) {
  const directory = (path: string | undefined) => join(path ?? "", "..");
  if (role !== "ingest") return { readOnly: role === "engine" ? [places["granted"]!] : [] };
  const writable = [directory(places["staging"]), directory(places["subjects"])];
  return { readOnly: [places["granted"]!], writable, network };
}

async function main(): Promise<void> {
  const [confinement, role, deeds = "", network] = process.argv.slice(2) as [Confinement, Role, string?, string?];
  process.env["SLUICE_CANARY"] = "canary-in-environment";
  // not under /tmp, which is the box's own
  const directory = mkdtempSync("/var/tmp/sluice-box-");
  const places = plant(directory);
  const servers = [await listen(0), await listen("\0sluice-test-abstract")];
  const port = (servers[0]!.address() as AddressInfo).port;
  const launch: LaunchOptions = {
    role,
    ...optionsOf(role, places, network === "network"),
    memoryBytes: 384 * MIB,
    confinement,
    program: PROBE,
  };
  try {
    const seen = await look(launch, places);
    const done: Looked["deeds"] = {};
    for (const deed of deeds.split(",").filter(Boolean)) done[deed] = await act(launch, deed, port);
    process.stdout.write(`${JSON.stringify({ ...seen, places, deeds: done })}\n`);
  } finally {
    for (const server of servers) server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function look(launch: LaunchOptions, places: Record<string, string>): Promise<Record<string, unknown>> {
  await using inside = await ConfinedProcess.start(launch);
  const answer = frameOf(inside);
  const outside = ["package.json", ".git", "policies", "test", "src/bin/serve.ts"].map((name) => join(ROOT, name));
  const system = ["/etc/passwd", "/root", "/home", "/usr/bin/env", "/bin/sh", "/sys", `/proc/${process.pid}/environ`];
  const write = ["/x", "/app/x", "/node_modules/x", "/dev/x", join(ROOT, "x"), "/var/tmp/x", ...Object.values(places)];
  const read = [...outside, ...system].filter((path) => existsSync(path)).concat(Object.values(places));
  inside.send({ op: "look", read, write });
  return await answer;
}

async function act(launch: LaunchOptions, deed: string, port: number): Promise<Looked["deeds"][string]> {
  await using inside = await ConfinedProcess.start(launch);
  const answer = frameOf(inside);
  inside.send({ op: "do", deed, port });
  const told = await Promise.race([answer, inside.ended.then(() => undefined)]);
  return { answer: told?.["answer"] ?? null, end: told ? undefined : await inside.ended };
}

async function frameOf(inside: ConfinedProcess): Promise<Record<string, unknown>> {
  return new Promise((done) => inside.onFrame(({ header }) => done(header)));
}

if (import.meta.main) await main();
