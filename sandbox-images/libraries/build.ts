/**
 * Bundles the libraries of the JavaScript images, each into one file that a script gets with `require`, and collects
 * the licences of what is in them: `node sandbox-images/libraries/build.ts`. The same packages give the same bytes on
 * every machine; `images.lock.json` pins them, and `sandbox-images/lock.ts` writes the pins after an intended change.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TARGET = join(ROOT, "build", "libraries");
const SOURCES = "sandbox-images/libraries";
const LIBRARIES = ["arquero", "simple-statistics"] as const;

/** Text of each file by its name; writes nothing. */
export async function buildLibraries(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  for (const name of LIBRARIES) {
    const { text, inputs } = await bundle(name);
    for (const found of packagesOf(inputs)) packages.add(found);
    files.set(`${name}.js`, text);
  }
  files.set("LICENSES.txt", [...packages].toSorted().map(licenceOf).join("\n"));
  return files;
}

/** Nothing of this machine may reach the bytes: no absolute path, no tsconfig.json, no link followed. */
async function bundle(name: string): Promise<{ text: string; inputs: Metafile["inputs"] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${SOURCES}/${name}.ts`],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    format: "cjs",
    platform: "browser",
    target: "es2024",
    charset: "ascii",
    // names stay, so that the text can be read; blanks and comments go, because each use of a library pays for them
    minifyWhitespace: true,
    legalComments: "none",
    preserveSymlinks: true,
    tsconfigRaw: "{}",
    inject: [`${SOURCES}/text-codec.ts`],
    logLevel: "warning",
  });
  const [output] = outputFiles;
  if (!output) throw new Error(`${name} gave no bundle`);
  return { text: output.text, inputs: metafile.inputs };
}

function packagesOf(inputs: Metafile["inputs"]): string[] {
  return Object.keys(inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
}

function licenceOf(name: string): string {
  const directory = join(ROOT, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    version: string;
    license: string;
  };
  const text = readFileSync(join(directory, "LICENSE"), "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}\n\n${"-".repeat(80)}\n`;
}

/** Each file is moved into place, so that nobody reads half of one. */
function writeFiles(files: ReadonlyMap<string, string>): void {
  mkdirSync(TARGET, { recursive: true });
  for (const [name, text] of files) {
    const draft = join(TARGET, `${name}.${process.pid}`);
    writeFileSync(draft, text);
    renameSync(draft, join(TARGET, name));
  }
}

if (import.meta.main) writeFiles(await buildLibraries());
