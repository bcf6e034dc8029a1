/** Copies of the product's policies, changed for one test. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";

export interface PolicyCopy {
  directory: string;
  write(name: string, text: string): void;
  /** Replaces a text that must be there. */
  replace(name: string, from: string | RegExp, to: string): void;
  remove(name: string): void;
}

export function copyPolicies(t: Test): PolicyCopy {
  const directory = mkdtempSync(join(tmpdir(), "sluice-policy-"));
  cpSync("policies", directory, { recursive: true });
  t.teardown(() => rmSync(directory, { recursive: true }));
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  return {
    directory,
    write,
    replace: (name, from, to) => {
      const before = readFileSync(join(directory, name), "utf8");
      const after = before.replace(from, to);
      if (before === after) throw new Error(`${name} does not hold ${String(from)}`);
      write(name, after);
    },
    remove: (name) => rmSync(join(directory, name)),
  };
}
