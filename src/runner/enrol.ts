import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { type Dispatcher, request } from "undici";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { NodeEnrolled } from "#contract/node.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { openNodeKey } from "./node-key.ts";

/** What a node remembers of its enrolment, besides its key. */
export interface NodeIdentity {
  name: string;
  /** Names the deployment in its tokens. */
  audience: string;
}

export interface EnrolOptions {
  directory: string;
  controlPlane: string;
  dispatcher: Dispatcher;
  /** Needed the first time. */
  name: string | undefined;
  token: string | undefined;
}

const FILE_NAME = "node.json";
const Kept = Type.Object({
  name: Type.String(),
  audience: Type.String(),
  controlPlane: Type.String(),
  /** Of the token that was used: where it still stands in a setting, it is not sent again. */
  tokenDigest: Type.String(),
});

/**
 * The identity of this node: the kept one, or, with a one-time token, a new one. A token is used once; a node that got
 * no answer sends it again with the same key. Throws `configuration_invalid` for what an operator has to set right.
 */
export async function enrolOnce(options: EnrolOptions): Promise<NodeIdentity> {
  const { directory, controlPlane, name, token } = options;
  const kept = await readKept(join(directory, FILE_NAME));
  const isNew = token !== undefined && sha256(token) !== kept?.tokenDigest;
  if (kept && !isNew && (name ?? kept.name) === kept.name && kept.controlPlane === controlPlane) return kept;
  if (kept && !isNew) {
    throw new AppError("configuration_invalid", `this directory is that of node ${kept.name} of ${kept.controlPlane}`);
  }
  if (token === undefined || name === undefined) {
    const message =
      "the node is not enrolled: give SLUICE_RUNNER_NAME and the SLUICE_ENROLMENT_TOKEN of sluice runners enrol";
    throw new AppError("configuration_invalid", message);
  }
  const identity = await enrol({ ...options, name, token });
  await keep(join(directory, FILE_NAME), { ...identity, controlPlane, tokenDigest: sha256(token) });
  return identity;
}

async function enrol(options: EnrolOptions & { name: string; token: string }): Promise<NodeIdentity> {
  const { directory, controlPlane, dispatcher, name, token } = options;
  const key = await openNodeKey(directory);
  const body = JSON.stringify({ name, publicKey: key.publicKey, proof: await key.proveFor(token) });
  const answer = await request(`${controlPlane}/runner/v1/enrolment`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body,
    dispatcher,
  }).catch((cause: unknown) => {
    throw new AppError("configuration_invalid", `${controlPlane} cannot be reached`, { cause });
  });
  if (answer.statusCode === 401) {
    await answer.body.dump();
    throw new AppError(
      "configuration_invalid",
      "the enrolment token is not valid for this node: it is used up or too old",
    );
  }
  const said: unknown = await answer.body.json().catch(() => undefined);
  if (answer.statusCode === 200 && Value.Check(NodeEnrolled, said)) return said;
  throw new AppError("configuration_invalid", `the enrolment was answered with status ${answer.statusCode}`);
}

async function readKept(path: string): Promise<Type.Static<typeof Kept> | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (Value.Check(Kept, value)) return value;
  throw new AppError("configuration_invalid", `${path}: it has another form`);
}

async function keep(path: string, identity: Type.Static<typeof Kept>): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  await using file = await open(draft, "wx", 0o600);
  await file.writeFile(JSON.stringify(identity));
  await file.sync();
  await rename(draft, path);
}
