import { readFileSync } from "node:fs";
import t from "tap";
import { checkLockFile } from "./lock-file.ts";

const entry = { version: "1.0.0", integrity: "sha512-AAAA" };
const manifest = { dependencies: { a: "1.0.0" } };

function faultsOf(packages: Record<string, unknown>, wanted: object = manifest): string[] {
  const lock = { lockfileVersion: 3, packages: { "": manifest, ...packages } };
  return checkLockFile(JSON.stringify(lock), JSON.stringify(wanted));
}

t.test("the project's lock file names no source and holds every package by its digest", async (t) => {
  t.same(checkLockFile(readFileSync("package-lock.json", "utf8"), readFileSync("package.json", "utf8")), []);
});

t.test("a lock file with a fault is refused", async (t) => {
  t.same(faultsOf({ "node_modules/a": entry }), []);
  t.same(faultsOf({ "node_modules/a": { ...entry, resolved: "https://registry.example/a.tgz" } }).length, 1);
  t.same(faultsOf({ "node_modules/a": { ...entry, link: true } }).length, 1);
  t.same(faultsOf({ "node_modules/a": { ...entry, integrity: "sha1-AAAA" } }).length, 1);
  t.same(faultsOf({ "node_modules/a": { ...entry, version: "git+ssh://host/a" } }).length, 1);
  t.same(faultsOf({ "node_modules/a": entry }, { dependencies: { a: "1.0.1" } }).length, 1);
  t.same(faultsOf({ "node_modules/a": entry }, { ...manifest, devDependencies: { b: "1.0.0" } }).length, 1);
  t.same(faultsOf({}).length, 1);
  t.same(checkLockFile(JSON.stringify({ lockfileVersion: 1 }), "{}").length, 1);
});
