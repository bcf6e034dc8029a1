import { globSync, readFileSync, statSync } from "node:fs";
import { parseSource, type SourceFile } from "./source.ts";

const OUTSIDE = new Set(["node_modules", ".git", ".tools", ".tap", "build", ".sluice"]);
const TEXT =
  /\.(ts|tsx|js|mjs|c|h|json|yaml|yml|sql|cedar|cedarschema|md|sh|css|html)$|(^|\/)(Makefile|run|[.][a-z]+rc|[.][a-z]+ignore)$/;

/** Every text file of the project, from its root, except what npm and the build write. */
export function listTexts(): string[] {
  return globSync("**/*", { exclude: (entry) => OUTSIDE.has(entry.split("/")[0] ?? "") })
    .concat(globSync(".*"), globSync(".ci/*"))
    .filter((path) => TEXT.test(path) && path !== "package-lock.json" && statSync(path).isFile());
}

/** Every TypeScript file of the project, parsed. */
export function readSources(): SourceFile[] {
  return ["src", "test", "benchmarks", "sandbox-images"]
    .flatMap((folder) => globSync(`${folder}/**/*.ts`))
    .map((path) => parseSource(path, readFileSync(path, "utf8")));
}
