import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { copyChanges, copyFiles } from "../../src/persistence/copy-files.ts";

t.test("a second look copies what changed meanwhile, and removes what is gone", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "sluice-copy-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const [from, to] = [join(root, "from"), join(root, "to")];
  mkdirSync(join(from, "base", "empty"), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(from, "base", name), text);
  const copied = (name: string) => readFileSync(join(to, "base", name), "utf8");
  for (const name of ["same", "changed", "gone"]) write(name, "old");
  const first = await copyFiles(from, to);
  t.equal(copied("changed"), "old");
  write("changed", "new");
  write("added", "new");
  rmSync(join(from, "base", "gone"));
  await copyChanges(from, to, first);
  t.strictSame(readdirSync(join(to, "base")).toSorted(), ["added", "changed", "empty", "same"]);
  t.strictSame([copied("changed"), copied("added"), copied("same")], ["new", "new", "old"]);
});

t.test("a file that was written to just before is copied again, though it looks the same", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "sluice-copy-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const [from, to] = [join(root, "from"), join(root, "to")];
  mkdirSync(from);
  const path = join(from, "page");
  writeFileSync(path, "old");
  utimesSync(path, 1000, 1000);
  const first = await copyFiles(from, to);
  writeFileSync(path, "new");
  utimesSync(path, 1000, 1000);
  await copyChanges(from, to, first);
  t.equal(readFileSync(join(to, "page"), "utf8"), "new");
});
