import { readFileSync } from "node:fs";

/** What `require` of a script knows; bundled by `sandbox-images/libraries/build.ts`, pinned by the images' lock. */
export const LIBRARIES = ["arquero", "simple-statistics"] as const;

/** The text of each library by its name. Reads files: only before `ready`. */
export function loadLibraries(): ReadonlyMap<string, string> {
  const place = new URL("../../build/libraries/", import.meta.url);
  return new Map(LIBRARIES.map((name) => [name, readFileSync(new URL(`${name}.js`, place), "utf8")]));
}
