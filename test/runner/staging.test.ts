import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { MountedProduct } from "#contract/engine.ts";
import { mountedFiles } from "../../src/runner/mounted-files.ts";
import { openStaging } from "../../src/runner/staging.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-staging-"));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

t.test("a version is moved into its place whole, and what is not published goes", async (t) => {
  const target = join(directory, "p", "pv_1");
  {
    await using staging = await openStaging(target);
    mkdirSync(staging.version);
    writeFileSync(join(staging.version, "manifest.json"), "{}");
    t.notOk(existsSync(target));
    await staging.publish();
  }
  t.equal(readFileSync(join(target, "manifest.json"), "utf8"), "{}");
  t.notOk(existsSync(`${target}.staging`));
  {
    await using staging = await openStaging(join(directory, "p", "pv_2"));
    mkdirSync(staging.version);
  }
  t.notOk(existsSync(join(directory, "p", "pv_2")));
  t.notOk(existsSync(join(directory, "p", "pv_2.staging")));
});

t.test("what a killed runner left goes a day later, or when the version is tried again", async (t) => {
  const [old, fresh, again] = ["pv_3", "pv_4", "pv_5"].map((name) => join(directory, "p", `${name}.staging`));
  for (const path of [old!, fresh!, again!]) mkdirSync(join(path, "version"), { recursive: true });
  const before = new Date(Date.now() - 25 * 3600 * 1000);
  for (const path of [join(old!, "version"), old!]) utimesSync(path, before, before);
  await using staging = await openStaging(join(directory, "p", "pv_5"));
  t.notOk(existsSync(old!), "nobody has worked there for a day");
  t.ok(existsSync(fresh!), "somebody may be at work there");
  t.notOk(existsSync(staging.version));
});

const file = (path: string, columns: string[], zone?: "governance") => ({
  path,
  columns,
  bytes: 1,
  digest: `sha256:${"0".repeat(64)}`,
  ...(zone ? { zone } : {}),
});
const product = (files: MountedProduct["files"]): MountedProduct => ({
  id: "p",
  version: "pv_1",
  directory: "/data/p/pv_1",
  rowCount: 1,
  columns: [{ name: "a", role: "public", grade: "L1", type: "INTEGER", nullCount: 0, approxDistinct: 1 }],
  files,
});

t.test("an engine gets the files of granted columns, one by one, and none of the governance zone", async (t) => {
  const files = [file("a.arrow", ["a"]), file("b.arrow", ["b"]), file("key.arrow", ["a"], "governance")];
  t.strictSame(mountedFiles([product(files)]), ["/data/p/pv_1/a.arrow"]);
  for (const path of ["../pv_2/a.arrow", "/etc/passwd", "a/../../b", "."]) {
    t.throws(() => mountedFiles([product([file(path, ["a"])])]), { code: "product_unavailable" }, path);
  }
});
