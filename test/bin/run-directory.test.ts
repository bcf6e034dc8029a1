import { existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import t from "tap";
import { pidNamespace } from "#runner/index.ts";
import { makeRunDirectory } from "../../src/bin/run-directory.ts";

const NOBODY = 2 ** 22 + 1;

t.test("what a killed server left goes, what others have stays", (t) => {
  const place = t.testdir();
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = place;
  t.teardown(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  const own = basename(makeRunDirectory());
  t.match(own, new RegExp(`^sluice-run-in${pidNamespace()}-${process.pid}-`));
  const left = own.replace(`-${process.pid}-`, `-${NOBODY}-`);
  const elsewhere = left.replace(pidNamespace(), "1");
  for (const name of [left, elsewhere, "another"]) mkdirSync(join(place, name));
  const second = basename(makeRunDirectory());
  t.notOk(existsSync(join(place, left)), "its process is gone");
  t.ok(existsSync(join(place, elsewhere)), "a number of another container says nothing here");
  for (const name of [own, second, "another"]) t.ok(existsSync(join(place, name)), name);
  t.end();
});
