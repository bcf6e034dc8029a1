/**
 * The lock file says what to install, not where from: a name of a registry in it would be asked by every
 * machine, also by those that reach only a mirror. Each package is held by its digest instead.
 */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

interface LockedPackage {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  inBundle?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** Faults of a lock file, one line each: against its own rules, and against the package.json that it belongs to. */
export function checkLockFile(lockText: string, packageText: string): string[] {
  const { lockfileVersion, packages = {} } = JSON.parse(lockText) as {
    lockfileVersion?: number;
    packages?: Record<string, LockedPackage>;
  };
  const { "": root, ...installed } = packages;
  if (lockfileVersion !== 3 || !root) return ["is not of version 3"];
  if (Object.keys(installed).length === 0) return ["locks no package"];
  return [
    ...checkInStep(root, JSON.parse(packageText) as LockedPackage),
    ...Object.entries(installed).flatMap(([path, entry]) => checkPackage(path, entry)),
  ];
}

function checkInStep(root: LockedPackage, wanted: LockedPackage): string[] {
  const kinds = ["dependencies", "devDependencies"] as const;
  return kinds
    .filter((kind) => !isDeepStrictEqual(root[kind] ?? {}, wanted[kind] ?? {}))
    .map((kind) => `${kind} differ from those of package.json`);
}

function checkPackage(path: string, entry: LockedPackage): string[] {
  const faults: string[] = [];
  if (entry.resolved !== undefined || entry.link === true) faults.push(`${path} says where it comes from`);
  // what is bundled in another package is covered by the digest of that one
  if (entry.inBundle !== true && !entry.integrity?.startsWith("sha512-")) faults.push(`${path} has no digest`);
  if (!/^\d+\.\d+\.\d+/.test(entry.version ?? "")) faults.push(`${path} has no plain version`);
  return faults;
}

if (import.meta.main) {
  const faults = checkLockFile(readFileSync("package-lock.json", "utf8"), readFileSync("package.json", "utf8"));
  for (const fault of faults) console.error(`package-lock.json: ${fault}`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
