import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { readOrCreateKey } from "#persistence/index.ts";

t.test("a key is made once, for its owner alone, and is the same afterwards", async (t) => {
  const path = join(t.testdir(), "keys", "some.key");
  const key = await readOrCreateKey(path);
  t.equal(key.byteLength, 32);
  t.equal((await stat(path)).mode & 0o777, 0o600);
  t.ok((await readOrCreateKey(path)).equals(key));
  t.ok((await readFile(path)).equals(key));
  t.notOk((await readOrCreateKey(join(t.testdirName, "keys", "other.key"))).equals(key));
});

t.test("a key that others can read, or of another length, stops the start", async (t) => {
  const path = join(t.testdir(), "some.key");
  await readOrCreateKey(path);
  await chmod(path, 0o640);
  await t.rejects(readOrCreateKey(path), { code: "configuration_invalid" });
  await chmod(path, 0o600);
  await writeFile(path, Buffer.alloc(31));
  await t.rejects(readOrCreateKey(path), { code: "configuration_invalid" });
});
