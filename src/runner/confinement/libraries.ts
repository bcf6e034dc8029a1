import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { AppError } from "#kernel/errors.ts";

/** Shared objects of the system that programs load, by absolute path. */
export interface Libraries {
  /** The dynamic loader, which the kernel starts. */
  loaders: readonly string[];
  files: readonly string[];
}

const known = new Map<string, Libraries>();
const CACHE = "/etc/ld.so.cache";

/**
 * What the dynamic loader would load for these files of ours. Objects that are no programs of this machine (builds for
 * other platforms in a package) count for nothing. Throws `configuration_invalid` when there is no `ldd`.
 */
export function librariesOf(paths: readonly string[]): Libraries {
  const key = paths.join("\0");
  let libraries = known.get(key);
  if (!libraries) {
    libraries = listLibraries(paths);
    known.set(key, libraries);
  }
  return libraries;
}

function listLibraries(paths: readonly string[]): Libraries {
  const { stdout, error } = spawnSync("ldd", paths, { encoding: "utf8", env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } });
  if (error) throw new AppError("configuration_invalid", "ldd, which lists shared libraries, is missing");
  const lines = stdout.split("\n");
  const loaders = lines.flatMap((line) => /^\s+(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  const files = lines.flatMap((line) => /=> (\/\S+) \(0x/.exec(line)?.[1] ?? []);
  return {
    loaders: [...new Set(loaders)],
    files: [...new Set([...files.filter(isOfSystem), ...(existsSync(CACHE) ? [CACHE] : [])])],
  };
}

/** Those beside an addon come with its package. */
function isOfSystem(path: string): boolean {
  return !path.includes("/node_modules/");
}
