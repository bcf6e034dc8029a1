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
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { bundle } from "./bundle.ts";

/** A confined process's own code, with nothing else beside it. */
export interface Program {
  /** Directory that holds the program and no other file: what a confinement has to mount. */
  directory: string;
  /** Absolute path of the file that Node starts. */
  entry: string;
  /** npm packages that it loads from their own directories: those with machine code. */
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
 * Makes one JavaScript file of a program and of everything that it imports: a process that has hundreds of files to find and
 * read spends most of its start on that. `--jitless` switches WebAssembly off, and Node's type stripping is WebAssembly: a
 * confined process cannot load `.ts` files itself. What a package brings as machine code stays in the package.
 *
 * The result is named by the digest of its sources under `directory` (default `build/programs` of the product) and is
 * left alone when it is there unchanged. Throws `configuration_invalid`.
 */
export function prepareProgram(source: ProgramSource, directory: string = join(ROOT, "build", "programs")): Program {
  const files = collect(source);
  const digest = sha256(canonicalJson(digestsOf(files))).slice("sha256:".length, "sha256:".length + 16);
  const target = join(directory, `${posix.basename(source.entry, ".ts")}-${digest}`);
  if (!isWhole(target)) writeProgram(target, source.entry, files);
  const { packages } = JSON.parse(readFileSync(join(target, PACKAGE), "utf8")) as { packages: string[] };
  return { directory: target, entry: join(target, compiledName(source.entry)), packages };
}

/** The programs of all confined processes, prepared; answers their directories. */
export function preparePrograms(): string[] {
  return [ENGINE_PROGRAM, ISOLATE_PROGRAM, INGEST_PROGRAM].map((program) => prepareProgram(program).directory);
}

/** Says also which packages the program loads. */
const PACKAGE = "package.json";
/** Which packages, and which version of each, the modules are bundled with, and by which bundler. */
const PACKAGE_LOCK = "package-lock.json";
/** Digests of the other files: written last, so that a program that has it is whole. */
const CONTENTS = "contents.json";
const IMPORT =
  /^(?:import\s+(?!type\s)(?:[\w$\s{},*]+\sfrom\s+)?|export\s+[{*][\w$\s{},*]*\sfrom\s+)["']([^"']+)["']/gm;

/** Path from the root of the product → its bytes as they are there. */
type Files = Map<string, Buffer>;

function collect({ entry, assets, natives }: ProgramSource): Files {
  const files: Files = new Map([[PACKAGE_LOCK, readSource(PACKAGE_LOCK)]]);
  addModule(entry, files);
  for (const asset of assets) addAssets(asset, files);
  for (const native of natives) files.set(native, readSource(native, " (run make setup)"));
  return files;
}

function addModule(path: string, files: Files): void {
  if (files.has(path)) return;
  const source = readSource(path);
  files.set(path, source);
  for (const [, specifier] of source.toString("utf8").matchAll(IMPORT)) {
    if (specifier !== undefined && isOwn(specifier)) addModule(resolveOwn(path, specifier), files);
  }
}

/** What the program's directory holds: the bundle, and what is read beside it. */
function compile(entry: string, files: Files): Files {
  const modules = new Map([...files].filter(([path]) => path.endsWith(".ts")));
  const beside = [...files].filter(([path]) => !modules.has(path) && path !== PACKAGE_LOCK);
  const { code, packages } = bundle({ entry, modules, root: ROOT });
  const manifest = Buffer.from(`${JSON.stringify({ private: true, type: "module", packages })}\n`);
  return new Map([...beside, [compiledName(entry), code], [PACKAGE, manifest]]);
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

function addAssets(directory: string, files: Files): void {
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

function digestsOf(files: Files): Record<string, string> {
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
function writeProgram(target: string, entry: string, sources: Files): void {
  try {
    const files = compile(entry, sources);
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
