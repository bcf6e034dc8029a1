/** The interface for runner nodes on loopback, over a deployment of its own, and nodes that are enrolled there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { readConfig } from "#config/index.ts";
import { buildNodeApp } from "#control-plane/index.ts";
import { createRunnerAuthenticator } from "#identity/index.ts";
import { findNodeKey } from "#nodes/index.ts";
import { json, openStorage } from "#persistence/index.ts";
import { createControlPlaneClient } from "#runner/index.ts";
import { openNodeKey } from "../../src/runner/node-key.ts";
import { serve } from "../security/served.ts";

const AUDIENCE = "d".repeat(32);

export async function serveNodes(t: Test) {
  const { deployment, db } = await serve(t);
  const root = mkdtempSync(join(tmpdir(), "sluice-nodes-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const key = { kind: "file" as const, path: join(root, "seal.key"), given: false };
  const { objects, products } = await openStorage({ place: { kind: "directory" }, dataDirectory: root, key });
  const findKey = async (name: string) => findNodeKey(db, name);
  const authenticator = createRunnerAuthenticator({ audience: AUDIENCE, findKey });
  const config = { ...deployment.config, jobLimits: readConfig({}, { development: true }).jobLimits };
  const app = await buildNodeApp({ ...deployment, objects, products, config }, { authenticator, audience: AUDIENCE });
  const origin = await app.listen({ host: "127.0.0.1", port: 0 });
  t.teardown(async () => app.close());
  const enrol = async (name: string) => {
    const nodeKey = await openNodeKey(join(root, name));
    const enrolled = { public_key: json(nodeKey.publicKey), key_thumbprint: nodeKey.thumbprint };
    const node = { name, state: "enrolled" as const, ...enrolled, invited_by: "li", invited_at: new Date() };
    await db.insertInto("runner_nodes").values(node).execute();
    const authorize = async (request: { method: string; path: string }) =>
      `Bearer ${await nodeKey.signRequest({ name, audience: AUDIENCE, ...request })}`;
    const client = createControlPlaneClient({ origin, authorize });
    t.teardown(async () => client[Symbol.asyncDispose]());
    return client;
  };
  return { db, root, enrol };
}
