/**
 * The runner process. Its settings come as one JSON line on descriptor 3 and that descriptor's end is its order to
 * stop, so that a runner never outlives the server that started it, and no token shows in an argument or variable.
 */
import { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pino } from "pino";
import { Type } from "typebox";
import { Value } from "typebox/value";
import {
  type Confinement,
  createControlPlaneClient,
  createRunnerProcesses,
  Credential,
  isConfinement,
  loadImages,
  openCredential,
  ProductCache,
  runAgent,
} from "#runner/index.ts";
import { ROOT } from "./root.ts";

const Settings = Type.Object({
  name: Type.String(),
  origin: Type.String(),
  socketPath: Type.Optional(Type.String()),
  ca: Type.Optional(Type.String()),
  credential: Credential,
  /** For products that do not lie on this machine. */
  cache: Type.Optional(
    Type.Object({ directory: Type.String(), limitBytes: Type.Integer({ minimum: 1 }), inPlace: Type.Boolean() }),
  ),
  logLevel: Type.String(),
  confinement: Type.Refine(Type.Unsafe<Confinement>(Type.String()), isConfinement),
  jobs: Type.Integer({ minimum: 0 }),
  ingests: Type.Integer({ minimum: 0 }),
  renders: Type.Optional(Type.Integer({ minimum: 0 })),
  threads: Type.Integer({ minimum: 1 }),
  threadsAlone: Type.Integer({ minimum: 1 }),
  memoryBytes: Type.Integer({ minimum: 1 }),
  jobMemoryBytes: Type.Integer({ minimum: 1 }),
  idleLimit: Type.Integer({ minimum: 0 }),
});

const input = createInterface({ input: new Socket({ fd: 3, readable: true, writable: false }) });
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

const settings = await readSettings();
const log = pino({ level: settings.logLevel, base: { process: "runner" } }, pino.destination({ dest: 1, sync: false }));
// the bootstrap and the libraries are what the lock says, or no script runs
loadImages(join(ROOT, "sandbox-images"), ROOT);
const client = createControlPlaneClient({ ...settings, authorize: await openCredential(settings.credential) });
const { cache } = settings;
const products = cache && (await ProductCache.open({ ...cache, fetchFile: client.file }));
const processes = createRunnerProcesses({ ...settings, ...(products ? { products } : {}) });
// the server is gone: nobody waits for what runs, so it is ended and not finished
input.once("close", () => {
  abandon().catch(() => process.exit(1));
});
log.info({ confinement: settings.confinement, jobs: settings.jobs }, "runner started");
try {
  await runAgent({ ...settings, client, processes, log, ingestMemoryBytes: settings.memoryBytes, stop: stop.signal });
} finally {
  await processes[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
}
log.info("runner stopped");
process.exit(0);

async function abandon(): Promise<void> {
  stop.abort();
  await processes[Symbol.asyncDispose]();
  process.exit(1);
}

async function readSettings(): Promise<ReturnType<typeof parseSettings>> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  input.once("line", resolve);
  input.once("close", () => reject(new Error("no settings came")));
  return parseSettings(await promise);
}

function parseSettings(line: string) {
  const value: unknown = JSON.parse(line);
  if (!Value.Check(Settings, value)) throw new Error("the settings do not have the agreed form");
  return value;
}
