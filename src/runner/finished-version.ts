import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Value } from "typebox/value";
import { ProductManifest } from "#contract/product.ts";
import type { IngestReport } from "#contract/runner.ts";
import { sha256, sha256OfFile } from "#kernel/digest.ts";

/**
 * The report of a version that is in its place already: versions are moved there whole, so one whose files are as its
 * manifest says is what its ingest has made. Anything else is removed, because the lease is ours and nobody mounts it.
 */
export async function findFinished(directory: string): Promise<IngestReport | undefined> {
  if (!(await isThere(directory))) return undefined;
  const found = await readManifest(directory);
  if (found && (await isWhole(directory, found.manifest))) return { kind: "ingest", ok: true, ...found };
  await rm(directory, { recursive: true, force: true });
  return undefined;
}

async function readManifest(
  directory: string,
): Promise<{ manifest: ProductManifest; manifestDigest: string } | undefined> {
  const path = join(directory, "manifest.json");
  if (!(await isThere(path))) return undefined;
  const text = await readFile(path, "utf8");
  const manifest = parse(text);
  return manifest && { manifest, manifestDigest: sha256(text) };
}

function parse(text: string): ProductManifest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(ProductManifest, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function isWhole(directory: string, { files }: ProductManifest): Promise<boolean> {
  for (const { path, digest } of files) {
    const file = join(directory, path);
    if (!(await isThere(file)) || (await sha256OfFile(file)) !== digest) return false;
  }
  return true;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
