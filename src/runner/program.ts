import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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
  /** Files that `make` builds of C and the program loads. */
  natives: readonly string[];
}

const LOCK = "build/native/sluice-lock.node";

export const ISOLATE_PROGRAM: ProgramSource = {
  entry: "src/bin/isolate.ts",
  assets: ["src/isolate/bootstrap", "build/libraries"],
  natives: [LOCK],
};
export const ENGINE_PROGRAM: ProgramSource = {
  entry: "src/bin/engine.ts",
  assets: [],
  natives: [LOCK, "build/native/sluice_arrow.duckdb_extension"],
};
/** Looks at a confinement from inside. */
export const PROBE_PROGRAM: ProgramSource = { entry: "src/bin/confinement-probe.ts", assets: [], natives: [LOCK] };
export const INGEST_PROGRAM: ProgramSource = { entry: "src/bin/ingest.ts", assets: [], natives: [LOCK] };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Makes the JavaScript form of a program and of everything of ours that it imports. `--jitless` switches WebAssembly
 * off, and Node's type stripping is WebAssembly: a confined process cannot load `.ts` files itself. Stripping keeps
 * every line and column where it was.
 *
 * The result is named by the digest of its sources under `directory` (default `build/programs` of the product, from
 * where the product's packages resolve) and is left alone when it is there unchanged. Throws `configuration_invalid`.
 */
export function prepareProgram(source: ProgramSource, directory: string = join(ROOT, "build", "programs")): Program {
  const found = collect(source);
  const digest = sha256(canonicalJson(digestsOf(found.files))).slice("sha256:".length, "sha256:".length + 16);
  const target = join(directory, `${posix.basename(source.entry, ".ts")}-${digest}`);
  if (!isWhole(target)) writeProgram(target, compile(found.files));
  return {
    directory: target,
    entry: join(target, compiledName(source.entry)),
    packages: [...found.packages].toSorted(),
  };
}

const PACKAGE = `${JSON.stringify({ private: true, type: "module", imports: { "#*": "./src/*" } })}\n`;
/** Digests of the other files: written last, so that a program that has it is whole. */
const CONTENTS = "contents.json";
const IMPORT =
  /^(?:import\s+(?!type\s)(?:[\w$\s{},*]+\sfrom\s+)?|export\s+[{*][\w$\s{},*]*\sfrom\s+)["']([^"']+)["']/gm;

interface Found {
  /** Path from the root of the product → its bytes as they are there. */
  files: Map<string, Buffer>;
  packages: Set<string>;
}

function collect({ entry, assets, natives }: ProgramSource): Found {
  const found: Found = { files: new Map(), packages: new Set() };
  addModule(entry, found);
  for (const asset of assets) addAssets(asset, found.files);
  for (const native of natives) found.files.set(native, readSource(native, " (run make setup)"));
  found.files.set("package.json", Buffer.from(PACKAGE));
  return found;
}

function addModule(path: string, found: Found): void {
  if (found.files.has(path)) return;
  const source = readSource(path);
  found.files.set(path, source);
  for (const [, specifier] of source.toString("utf8").matchAll(IMPORT)) {
    if (specifier === undefined || specifier.startsWith("node:")) continue;
    if (isOwn(specifier)) addModule(resolveOwn(path, specifier), found);
    else found.packages.add(specifier);
  }
}

function compile(files: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  return new Map([...files].map(([path, bytes]) => [compiledName(path), path.endsWith(".ts") ? strip(bytes) : bytes]));
}

function strip(source: Buffer): Buffer {
  const text = stripTypeScriptTypes(source.toString("utf8"));
  const compiled = text.replace(IMPORT, (statement, specifier: string) =>
    isOwn(specifier) ? statement.replace(/\.ts(["'])$/, ".js$1") : statement,
  );
  return Buffer.from(compiled);
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

function addAssets(directory: string, files: Map<string, Buffer>): void {
  for (const name of readdirSync(join(ROOT, directory)).toSorted()) {
    files.set(`${directory}/${name}`, readSource(`${directory}/${name}`));
  }
}

function readSource(path: string, remedy = ""): Buffer {
  try {
    return readFileSync(join(ROOT, path));
  } catch (cause) {
    const message = `${path}, which a confined process needs, cannot be read${remedy}`;
    throw new AppError("configuration_invalid", message, { cause });
  }
}

function digestsOf(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries([...files].map(([path, bytes]) => [path, sha256(bytes)]));
}

function isWhole(target: string): boolean {
  try {
    const digests = JSON.parse(readFileSync(join(target, CONTENTS), "utf8")) as Record<string, string>;
    return Object.entries(digests).every(([path, digest]) => sha256(readFileSync(join(target, path))) === digest);
  } catch {
    // not there, or not whole: it is written anew
    return false;
  }
}

/** Written beside and moved into place, so that nobody ever starts half a program. */
function writeProgram(target: string, files: ReadonlyMap<string, Buffer>): void {
  try {
    mkdirSync(dirname(target), { recursive: true });
    const draft = mkdtempSync(`${target}.`);
    // a confined process may be of another user
    chmodSync(draft, 0o755);
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(draft, path)), { recursive: true });
      writeFileSync(join(draft, path), bytes);
    }
    writeFileSync(join(draft, CONTENTS), JSON.stringify(digestsOf(files)));
    // Another process may have made the same meanwhile: what is whole is in use and stays.
    if (isWhole(target)) return rmSync(draft, { recursive: true });
    rmSync(target, { recursive: true, force: true });
    renameSync(draft, target);
  } catch (cause) {
    throw new AppError("configuration_invalid", `the program of a confined process cannot be written to ${target}`, {
      cause,
    });
  }
}
