import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import t, { type Test } from "tap";
import type { ProductFile } from "#contract/product.ts";
import { sha256 } from "#kernel/digest.ts";
import { json } from "#persistence/index.ts";
import { ProductCache } from "#runner/index.ts";
import { claim, submit } from "../jobs/staged-jobs.ts";
import { serveNodes } from "./served-nodes.ts";

/** A leased job of the node `run_test`, whose products have one file, and one of the governance zone. */
async function stage(t: Test) {
  const { db, root, enrol } = await serveNodes(t);
  await submit(db);
  const [job] = await claim(db);
  const [version] = Object.values(job!.authority.versions);
  const { manifest, directory } = await db
    .selectFrom("product_versions")
    .select(["manifest", "directory"])
    .where("id", "=", version!)
    .executeTakeFirstOrThrow();
  const bytes = Buffer.from("columns of people ".repeat(5000));
  const columns = manifest!.columns.slice(0, 1).map(({ name }) => name);
  const file: ProductFile = { path: "public.arrow", columns, bytes: bytes.byteLength, digest: sha256(bytes) };
  const secret: ProductFile = { ...file, path: "subject-key.arrow", digest: sha256("real keys"), zone: "governance" };
  const files = json({ ...manifest!, files: [file, secret] });
  await db.updateTable("product_versions").set({ manifest: files }).where("id", "=", version!).execute();
  const path = join(root, directory, file.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return {
    db,
    lease: job!.lease!,
    file,
    secret,
    bytes,
    path,
    root,
    own: await enrol("run_test"),
    other: await enrol("n2"),
  };
}

t.test("the holder of a lease has its files, from any place on, and nobody else has", async (t) => {
  const { db, lease, file, secret, bytes, own, other } = await stage(t);
  const { digest } = file;
  t.ok((await buffer(await own.file({ lease, digest, start: 0 }))).equals(bytes));
  t.ok((await buffer(await own.file({ lease, digest, start: 70_000 }))).equals(bytes.subarray(70_000)));
  const refused = { code: "internal", message: /answered 404/ };
  await t.rejects(own.file({ lease, digest: secret.digest, start: 0 }), refused, "the governance zone");
  await t.rejects(own.file({ lease, digest: sha256("x"), start: 0 }), refused, "of another product");
  await t.rejects(own.file({ lease, digest, start: bytes.byteLength + 1 }), { message: /answered 400/ });
  await t.rejects(other.file({ lease, digest, start: 0 }), refused, "another node");
  await db.updateTable("jobs").set({ state: "succeeded", lease: null }).execute();
  await t.rejects(own.file({ lease, digest, start: 0 }), refused, "after the lease");
});

t.test("a byte that was changed on the server's disk never reaches an engine", async (t) => {
  const { lease, file, bytes, path, root, own } = await stage(t);
  const directory = join(root, "cache");
  const product = { id: "p", version: "pv_1", directory: "/nonexistent", rowCount: 1, columns: [], files: [file] };
  const cache = await ProductCache.open({ directory, limitBytes: 1 << 20, fetchFile: own.file, inPlace: false });
  const changed = Buffer.from(bytes);
  changed[100]! ^= 1;
  writeFileSync(path, changed);
  await t.rejects(cache.hold(lease, [product]), { code: "product_unavailable" });
  t.strictSame(readdirSync(directory), []);
  writeFileSync(path, bytes);
  t.match((await cache.hold(lease, [product])).products, [{ directory, files: [{ path: file.digest.slice(7) }] }]);
});
