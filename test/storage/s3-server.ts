/** A real S3-compatible server of this test process, on loopback, with its objects in a directory. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import type { Test } from "tap";

interface Signed {
  uri: string;
}
const signatures = createRequire(import.meta.url)("@20minutes/s3rver/lib/signature/v4.js") as {
  getStringToSign(request: Signed, how: unknown): unknown;
};
const { getStringToSign } = signatures;
/** The SDK asks for a bucket as `/bucket/` and signs that; the server forgets the last slash when it checks. */
signatures.getStringToSign = (request, how) =>
  getStringToSign(/^\/[^/]+$/.test(request.uri) ? { ...request, uri: `${request.uri}/` } : request, how);

export interface S3Server {
  endpoint: string;
  bucket: string;
  /** Everything that it keeps, as its owner sees it. */
  kept(): { path: string; bytes: Buffer }[];
  overwrite(path: string, bytes: Buffer): void;
  stop(): Promise<void>;
}

/** By these the server knows its clients. */
export const S3_CREDENTIALS = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" };

export async function startS3Server(t: Test): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), "sluice-s3-"));
  const bucket = "sluice-test";
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await server.run();
  let running = true;
  const stop = async () => {
    if (running) await server.close();
    running = false;
  };
  t.teardown(async () => {
    await stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    kept: () =>
      readdirSync(directory, { recursive: true })
        .map((path) => join(directory, String(path)))
        .filter((path) => statSync(path).isFile())
        .map((path) => ({ path, bytes: readFileSync(path) })),
    overwrite: (path, bytes) => writeFileSync(path, bytes),
    stop,
  };
}
