import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";

/** A confined process's own code, with nothing else beside it. */
export interface Program {
  /** Directory that holds the program and no other file: what a confinement has to mount. */
  directory: string;
  /** Absolute path of the file that Node starts. */
  entry: string;
  /** npm packages that it imports by name. */
  packages: readonly string[];
}

export interface ProgramSource {
  /** Path of the entry file from the root of the product, e.g. `src/bin/isolate.ts`. */
  entry: string;
  /** Directories of files that the program reads at its start. */
  assets: readonly string[];
}

export const ISOLATE_PROGRAM: ProgramSource = {
  entry: "src/bin/isolate.ts",
  assets: ["src/isolate/bootstrap", "build/libraries"],
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Makes the JavaScript form of a program and of everything of ours that it imports. `--jitless` switches WebAssembly
 * off, and Node's type stripping is WebAssembly: a confined process cannot load `.ts` files itself. Stripping keeps
 * every line and column where it was.
 *
 * The result is named by its digest under `directory` (default `build/programs` of the product, from where the
 * product's packages resolve) and is left alone when it is there unchanged. Throws `configuration_invalid`.
 */
export function prepareProgram(source: ProgramSource, directory: string = join(ROOT, "build", "programs")): Program {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  addModule(source.entry, { files, packages });
  for (const asset of source.assets) addAssets(asset, files);
  files.set("package.json", PACKAGE);
  const digest = sha256(canonicalJson(Object.fromEntries(files))).slice("sha256:".length, "sha256:".length + 16);
  const target = join(directory, `${posix.basename(source.entry, ".ts")}-${digest}`);
  if (!isComplete(target, files)) writeProgram(target, files);
  return { directory: target, entry: join(target, compiledName(source.entry)), packages: [...packages].toSorted() };
}

const PACKAGE = `${JSON.stringify({ private: true, type: "module", imports: { "#*": "./src/*" } })}\n`;
const IMPORT = /^(?:import\s+(?:[\w$\s{},*]+\sfrom\s+)?|export\s+[{*][\w$\s{},*]*\sfrom\s+)["']([^"']+)["']/gm;

interface Found {
  files: Map<string, string>;
  packages: Set<string>;
}

function addModule(path: string, found: Found): void {
  if (found.files.has(compiledName(path))) return;
  const text = stripTypeScriptTypes(readSource(path));
  const compiled = text.replace(IMPORT, (statement, specifier: string) =>
    isOwn(specifier) ? statement.replace(/\.ts(["'])$/, ".js$1") : statement,
  );
  found.files.set(compiledName(path), compiled);
  for (const [, specifier] of text.matchAll(IMPORT)) {
    if (specifier === undefined || specifier.startsWith("node:")) continue;
    if (isOwn(specifier)) addModule(resolveOwn(path, specifier), found);
    else found.packages.add(specifier);
  }
}

function isOwn(specifier: string): boolean {
  return specifier.startsWith("#") || specifier.startsWith(".");
}

function resolveOwn(from: string, specifier: string): string {
  return specifier.startsWith("#") ? `src/${specifier.slice(1)}` : posix.join(posix.dirname(from), specifier);
}

function compiledName(path: string): string {
  return path.replace(/\.ts$/, ".js");
}

function addAssets(directory: string, files: Map<string, string>): void {
  for (const name of readdirSync(join(ROOT, directory)).toSorted()) {
    files.set(`${directory}/${name}`, readSource(`${directory}/${name}`));
  }
}

function readSource(path: string): string {
  try {
    return readFileSync(join(ROOT, path), "utf8");
  } catch (cause) {
    throw new AppError("configuration_invalid", `${path}, which a confined process needs, cannot be read`, { cause });
  }
}

function isComplete(target: string, files: ReadonlyMap<string, string>): boolean {
  try {
    return [...files].every(([path, text]) => readFileSync(join(target, path), "utf8") === text);
  } catch {
    // not there, or not whole: it is written anew
    return false;
  }
}

/** Written beside and moved into place, so that nobody ever starts half a program. */
function writeProgram(target: string, files: ReadonlyMap<string, string>): void {
  try {
    mkdirSync(dirname(target), { recursive: true });
    const draft = mkdtempSync(`${target}.`);
    for (const [path, text] of files) {
      mkdirSync(dirname(join(draft, path)), { recursive: true });
      writeFileSync(join(draft, path), text);
    }
    // Another process may have made the same meanwhile: what is whole is in use and stays.
    if (isComplete(target, files)) return rmSync(draft, { recursive: true });
    rmSync(target, { recursive: true, force: true });
    renameSync(draft, target);
  } catch (cause) {
    throw new AppError("configuration_invalid", `the program of a confined process cannot be written to ${target}`, {
      cause,
    });
  }
}
