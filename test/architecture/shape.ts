import { posix } from "node:path";
import type { Violation } from "./imports.ts";
import {
  ALLOWED_NAMES,
  BANNED_NAMES,
  MANY_EXPORTS,
  MAX_EXPORTS,
  MAX_LINES,
  MAY_IMPORT,
  PROCESS_READERS,
  WITHOUT_INDEX,
  WORKPLACE,
} from "./rules.ts";
import type { SourceFile } from "./source.ts";

/** Rules on what a single file may hold and be called. */
export function checkShape(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const at = (rule: string, message: string, line = 1): Violation => ({ rule, file: file.path, line, message });
    const violations = file.banned.map(({ what, line }) => at("syntax", what, line));
    if (!startsWithAny(file.path, PROCESS_READERS)) {
      violations.push(...file.processReads.map(({ what, line }) => at("process", what, line)));
    }
    if (file.lines > MAX_LINES) violations.push(at("lines", `${file.lines} lines, ${MAX_LINES} at most`));
    const word = bannedWord(file.path);
    if (word !== undefined) violations.push(at("name", `"${word}" says nothing about the file`));
    return violations;
  });
}

/** Rules on the folders of `src`: known, entered through an index with a few explicit exports. */
export function checkFolders(files: readonly SourceFile[]): Violation[] {
  const sources = files.filter((file) => file.path.startsWith("src/"));
  const folders = new Set(sources.map((file) => file.path.split("/")[1] ?? ""));
  const paths = new Set(sources.map((file) => file.path));
  const violations: Violation[] = [];
  for (const folder of folders) {
    const file = `src/${folder}/index.ts`;
    if (!Object.hasOwn(MAY_IMPORT, folder)) {
      violations.push({ rule: "folder", file: `src/${folder}`, line: 1, message: "not in the import table" });
    } else if (!WITHOUT_INDEX.includes(folder) && !paths.has(file)) {
      violations.push({ rule: "index", file, line: 1, message: "is missing" });
    }
  }
  return [...violations, ...sources.filter(isIndex).flatMap(checkIndex)];
}

/** Indexes that are allowed but worth a thought. */
export function findCrowdedIndexes(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => isIndex(file) && file.exports.length > MANY_EXPORTS)
    .map((file) => `${file.path} exports ${file.exports.length} names, ${MANY_EXPORTS} are meant`);
}

function isIndex(file: SourceFile): boolean {
  return file.path.startsWith("src/") && posix.basename(file.path) === "index.ts";
}

function checkIndex(file: SourceFile): Violation[] {
  const at = (message: string): Violation => ({ rule: "index", file: file.path, line: 1, message });
  const violations: Violation[] = [];
  if (file.exportsAll) violations.push(at("export * hides what the folder offers"));
  if (file.exports.length > MAX_EXPORTS) {
    violations.push(at(`${file.exports.length} exports, ${MAX_EXPORTS} at most`));
  }
  return violations;
}

function bannedWord(path: string): string | undefined {
  if (ALLOWED_NAMES.includes(path)) return undefined;
  const words = path.replace(/\.[a-z]+$/, "").split(/[/.-]/);
  return words.find((word) => BANNED_NAMES.includes(word));
}

/** Rules on every text of the project: nothing in it knows the place where it is built. */
export function checkWorkplace(path: string, text: string): Violation[] {
  const violations: Violation[] = [];
  const words = [...WORKPLACE.never];
  if (!startsWithAny(path, WORKPLACE.outsideAllowedIn)) words.push(WORKPLACE.outside);
  for (const [index, line] of text.split("\n").entries()) {
    const word = words.find((banned) => line.includes(banned));
    if (word !== undefined) violations.push({ rule: "workplace", file: path, line: index + 1, message: word });
  }
  return violations;
}

function startsWithAny(path: string, starts: readonly string[]): boolean {
  return starts.some((start) => path.startsWith(start));
}
