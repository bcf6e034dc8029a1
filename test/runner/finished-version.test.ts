import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";
import { findFinished } from "../../src/runner/finished-version.ts";
import { manifestOf, residents } from "../authority/stage.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-finished-"));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

/** A version as an ingest leaves it: its files, and the manifest that names their digests. */
function writeVersion(name: string): { path: string; text: string } {
  const path = join(directory, name);
  mkdirSync(path);
  const manifest = manifestOf(residents);
  const files = manifest.files.map((file) => ({ ...file, digest: sha256(file.path) }));
  for (const file of files) writeFileSync(join(path, file.path), file.path);
  const text = canonicalJson({ ...manifest, files });
  writeFileSync(join(path, "manifest.json"), text);
  return { path, text };
}

t.test("a version that was moved into its place and not reported is reported by the next runner", async (t) => {
  const { path, text } = writeVersion("whole");
  t.match(await findFinished(path), { kind: "ingest", ok: true, manifestDigest: sha256(text) });
  t.ok(existsSync(path));
});

t.test("anything else in that place is removed, and the ingest begins anew", async (t) => {
  const damages: Record<string, (path: string) => void> = {
    "a changed file": (path) => writeFileSync(join(path, "0.arrow"), "other"),
    "a missing file": (path) => rmSync(join(path, "0.arrow")),
    "half a manifest": (path) => writeFileSync(join(path, "manifest.json"), '{"format":'),
    "no manifest": (path) => rmSync(join(path, "manifest.json")),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const { path } = writeVersion(name);
    damage(path);
    t.equal(await findFinished(path), undefined, name);
    t.notOk(existsSync(path), name);
  }
  t.equal(await findFinished(join(directory, "never there")), undefined);
});
