import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Frame } from "#contract/frame.ts";
import { AppError } from "#kernel/errors.ts";
import { ConfinedProcess } from "./confined-process.ts";
import {
  type Confinement,
  type ConfinementKind,
  findLimiter,
  nameConfinement,
  strongest,
} from "./confinement/index.ts";
import { PROBE_PROGRAM } from "./program.ts";

export interface DetectionOptions {
  /** What the configuration accepts, in any order: the strongest that holds is taken. */
  accepted: readonly ConfinementKind[];
  /** `required`: without a control group that limits memory, nothing is accepted. */
  controlGroup: "required" | "preferred";
}

export interface Detection {
  /** Undefined when nothing that is accepted holds: then no guest code may run. */
  confinement: Confinement | undefined;
  /** Why stronger ones were passed over, for the operator. */
  refusals: string[];
}

const PROBE_MEMORY_BYTES = 256 * 1024 * 1024;
const PROBE_TIMEOUT_MS = 10_000;

/**
 * Tries the accepted confinements on this machine, strongest first: starts processes in each that look for a planted
 * file, for other processes and for the network, and that try to start a program and to open a socket, which must end
 * them. Nothing is believed that was not seen to hold.
 */
export async function detectConfinement({ accepted, controlGroup }: DetectionOptions): Promise<Detection> {
  const refusals: string[] = [];
  for (const kind of strongest(accepted)) {
    if (kind === "process") return { confinement: "process", refusals };
    const limiter = findLimiter();
    if (limiter === "rlimit" && controlGroup === "required") {
      return {
        confinement: undefined,
        refusals: ["no control group can be made, and SLUICE_CONTROL_GROUP requires one"],
      };
    }
    const confinement = nameConfinement(kind, limiter);
    const refusal = await tryConfinement(confinement);
    if (refusal === undefined) return { confinement, refusals };
    refusals.push(`${kind}: ${refusal}`);
  }
  return { confinement: undefined, refusals };
}

/** Undefined when it holds, else what is wrong with it. */
async function tryConfinement(confinement: Confinement): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "sluice-canary-"));
  const canary = join(directory, "canary");
  writeFileSync(canary, "nobody inside may read this");
  try {
    const problems = await Promise.all([
      probe(confinement, { op: "probe", canary, attempt: "program" }),
      probe(confinement, { op: "probe", canary, attempt: "socket", port: 9 }),
    ]);
    return problems.find((problem) => problem !== undefined);
  } catch (error) {
    return reasonOf(error);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function probe(confinement: Confinement, request: Record<string, unknown>): Promise<string | undefined> {
  await using inside = await ConfinedProcess.start({
    role: "isolate",
    program: PROBE_PROGRAM,
    readOnly: [],
    memoryBytes: PROBE_MEMORY_BYTES,
    confinement,
  });
  const timer = setTimeout(() => inside.kill(), PROBE_TIMEOUT_MS);
  let problem: string | undefined = "the probe saw nothing";
  inside.onFrame((frame) => {
    problem = problemOf(frame);
    if (frame.header["op"] === "survived") inside.kill();
  });
  inside.send(request);
  const { how } = await inside.ended;
  clearTimeout(timer);
  if (problem !== undefined) return problem;
  return how === "escape_tried" ? undefined : `an attempt to get out was not ended by the kernel (${how})`;
}

function problemOf({ header }: Frame): string | undefined {
  if (header["op"] === "survived") return "a program or a socket can be opened inside";
  if (header["canary"] !== false) return "files outside can be read inside";
  if (header["processes"] !== false) return "other processes can be read inside";
  if (header["home"] !== false) return "home directories can be read inside";
  if ((header["interfaces"] as unknown[] | undefined)?.length !== 0) return "the network can be seen inside";
  return undefined;
}

/** What bubblewrap or the launcher said is for the operator: the probe holds no data. */
function reasonOf(error: unknown): string {
  if (!(error instanceof AppError)) return String(error);
  const said = typeof error.cause === "string" ? error.cause.trim().split("\n").at(-1) : undefined;
  return said === undefined || said === "" ? error.message : `${error.message}: ${said}`;
}
