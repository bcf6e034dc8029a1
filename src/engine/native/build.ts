/**
 * Compiles the DuckDB extension and the fuzzer with the machine's C compiler. `node src/engine/native/build.ts` builds
 * the extension.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { ARROW_EXTENSION_PATH } from "./extension-path.ts";

const run = promisify(execFile);

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const TARGET = dirname(ARROW_EXTENSION_PATH);
const COMMON_FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pthread"];
const HARDENING = ["-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now"];
const EXTENSION_FLAGS = [
  ...COMMON_FLAGS,
  ...HARDENING,
  "-O2",
  "-ftree-vectorize",
  "-shared",
  "-fPIC",
  "-fvisibility=hidden",
  // Rounding is one instruction then: nobody reads errno.
  "-fno-math-errno",
];
const FUZZER_FLAGS = [...COMMON_FLAGS, "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
/** What the fuzzers run: the reader with the decoders, and the states of aggregates. The rest is DuckDB's side. */
const READER = /^(arrow-[a-z-]*|decode[a-z-]*|fuzz)\.c$/;
const STATES = /^(amounts|counts|regions|subjects|fuzz-states)\.c$/;

/** Builds the extension unless it is there and its sources have not changed. Returns its path. */
export async function buildArrowExtension(): Promise<string> {
  const sources = (await sourceFiles(".c")).filter((path) => !/\/fuzz[a-z-]*\.c$/.test(path));
  return await buildExtension(sources, ARROW_EXTENSION_PATH);
}

/** Builds a DuckDB extension of C sources that may include the headers of this folder. Returns `target`. */
export async function buildExtension(sources: string[], target: string): Promise<string> {
  await compileIfChanged({ sources, flags: EXTENSION_FLAGS, target, finish: appendMetadata });
  return target;
}

/** Builds the fuzzer of `fuzz.c` with AddressSanitizer and UndefinedBehaviorSanitizer. Returns its path. */
export const buildArrowFuzzer = (): Promise<string> => buildFuzzer("fuzz-arrow", READER);

/** Likewise that of `fuzz-states.c`. */
export const buildStatesFuzzer = (): Promise<string> => buildFuzzer("fuzz-states", STATES);

async function buildFuzzer(name: string, which: RegExp): Promise<string> {
  const target = join(TARGET, name);
  const sources = (await sourceFiles(".c")).filter((path) => which.test(basename(path)));
  await compileIfChanged({ sources, flags: FUZZER_FLAGS, target });
  return target;
}

interface Compilation {
  sources: string[];
  flags: string[];
  target: string;
  finish?: (path: string) => Promise<void>;
}

async function compileIfChanged({ sources, flags, target, finish }: Compilation): Promise<void> {
  const stampPath = `${target}.sources`;
  const stamp = await sourcesDigest(sources, flags);
  if ((await readIfThere(target)) !== undefined && (await readIfThere(stampPath))?.toString() === stamp) return;
  await mkdir(dirname(target), { recursive: true });
  const draft = `${target}.${process.pid}`;
  try {
    await compile(sources, flags, draft);
    await finish?.(draft);
    await rename(draft, target);
    await writeFile(stampPath, stamp);
  } finally {
    await rm(draft, { force: true });
  }
}

async function compile(sources: string[], flags: string[], output: string): Promise<void> {
  try {
    await run("cc", [...flags, "-I", SOURCES, "-o", output, ...sources, "-lm"]);
  } catch (cause) {
    throw new AppError("internal", "the C compiler could not build the Arrow extension", { cause });
  }
}

async function sourceFiles(extension: string): Promise<string[]> {
  const names = (await readdir(SOURCES)).filter((name) => name.endsWith(extension));
  return names.toSorted().map((name) => join(SOURCES, name));
}

async function sourcesDigest(sources: string[], flags: string[]): Promise<string> {
  const texts = await Promise.all([...(await sourceFiles(".h")), ...sources].map((path) => readFile(path)));
  return sha256(Buffer.concat([Buffer.from([process.arch, ...flags].join(" ")), ...texts]));
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * What DuckDB reads from the end of a loadable extension (`ParseExtensionMetaData` of its extension_load.cpp): a
 * section header as WebAssembly has it, eight fields of 32 bytes, last first, and room for a signature of 256 bytes.
 */
async function appendMetadata(path: string): Promise<void> {
  const magic = "4";
  const fields = ["", "", "", "C_STRUCT", "v0.1.0", "v1.2.0", duckdbPlatform(), magic];
  const section = Buffer.concat([
    Buffer.from([0x00, 0x93, 0x04, 0x10]),
    Buffer.from("duckdb_signature"),
    Buffer.from([0x80, 0x04]),
  ]);
  const records = fields.map((text) => Buffer.concat([Buffer.from(text)], 32));
  await writeFile(path, Buffer.concat([await readFile(path), section, ...records, Buffer.alloc(256)]));
}

function duckdbPlatform(): string {
  if (process.arch === "x64") return "linux_amd64";
  if (process.arch === "arm64") return "linux_arm64";
  throw new AppError("not_supported", "the Arrow extension is built for x64 and arm64 only");
}

if (import.meta.main) await buildArrowExtension();
