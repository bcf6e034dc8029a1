import { posix } from "node:path";
import { MAY_IMPORT, OPEN_FOLDERS, OPEN_SUBFOLDERS, PACKAGE_OWNERS } from "./rules.ts";
import type { SourceFile } from "./source.ts";

export interface Violation {
  rule: string;
  file: string;
  line: number;
  message: string;
}

/** Rules on who imports whom. Only files under `src` are bound by them. */
export function checkImports(files: readonly SourceFile[]): Violation[] {
  const known = new Set(files.map((file) => file.path));
  const sources = files.filter((file) => file.path.startsWith("src/"));
  return [...sources.flatMap((file) => checkFile(file, known)), ...checkCycles(sources)];
}

function checkFile(file: SourceFile, known: ReadonlySet<string>): Violation[] {
  const violations: Violation[] = [];
  for (const { specifier, line } of file.imports) {
    for (const [rule, message] of judgeImport(file.path, specifier, known)) {
      violations.push({ rule, file: file.path, line, message });
    }
  }
  return violations;
}

type Judgement = [rule: string, message: string];

function judgeImport(from: string, specifier: string, known: ReadonlySet<string>): Judgement[] {
  const target = resolveImport(from, specifier);
  if (target === undefined) return judgePackage(folderOf(from), specifier);
  if (target === "package.json") return [];
  if (!target.startsWith("src/")) return [["direction", `${specifier} lies outside src`]];
  return folderOf(target) === folderOf(from)
    ? judgeInside(from, specifier, known)
    : judgeAcross(from, specifier, target);
}

function judgePackage(folder: string, specifier: string): Judgement[] {
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const owners = PACKAGE_OWNERS[name];
  if (!owners || owners.includes(folder) || folder === "demo") return [];
  return [["package", `${name} belongs to ${owners.join(", ")}`]];
}

function judgeAcross(from: string, specifier: string, target: string): Judgement[] {
  const found: Judgement[] = [];
  const folder = folderOf(target);
  if (!MAY_IMPORT[folderOf(from)]?.includes(folder)) {
    found.push(["direction", `${folderOf(from)} must not import ${folder}`]);
  }
  if (!specifier.startsWith("#")) found.push(["path", `${specifier} leaves its folder; write #${folder}/…`]);
  if (!OPEN_FOLDERS.includes(folder) && posix.basename(target) !== "index.ts") {
    found.push(["deep", `${specifier} goes past an index.ts`]);
  }
  return found;
}

function judgeInside(from: string, specifier: string, known: ReadonlySet<string>): Judgement[] {
  if (specifier.startsWith("#")) return [["path", `${specifier} is in the same folder; write a relative path`]];
  const target = posix.join(posix.dirname(from), specifier);
  const directory = posix.dirname(target);
  const enters = !from.startsWith(`${directory}/`);
  const closed = known.has(`${directory}/index.ts`) && !OPEN_SUBFOLDERS.includes(directory);
  if (enters && closed && target !== `${directory}/index.ts`) return [["deep", `${specifier} goes past its index.ts`]];
  return [];
}

/** Path from the project's root of what a specifier names, undefined for packages and node's own modules. */
function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return posix.join("src", specifier.slice(1));
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
  return undefined;
}

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/**
 * Depth-first search; each cycle is reported once, at the import that closes it. Types do not count: they are gone
 * at run time, and between folders the table keeps their direction too.
 */
function checkCycles(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const violations: Violation[] = [];
  function walk(file: SourceFile, trail: readonly string[]): void {
    for (const { specifier, line, typeOnly } of file.imports) {
      if (typeOnly) continue;
      const target = resolveImport(file.path, specifier) ?? "";
      const start = trail.indexOf(target);
      const next = byPath.get(target);
      if (start >= 0) {
        const cycle = [...trail.slice(start), target].join(" → ");
        violations.push({ rule: "cycle", file: file.path, line, message: cycle });
      } else if (next && !done.has(target)) walk(next, [...trail, target]);
    }
    done.add(file.path);
  }
  for (const file of files) if (!done.has(file.path)) walk(file, [file.path]);
  return violations;
}
