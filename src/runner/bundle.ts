import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import type * as Esbuild from "esbuild";

export interface BundleInput {
  /** Path of the entry module, as the others from the root of the product. */
  entry: string;
  /** Every module of ours that the entry imports, and those that these import. */
  modules: ReadonlyMap<string, Buffer>;
  /** Directory with the product's packages. */
  root: string;
}

export interface Bundle {
  code: Buffer;
  /** Packages that the code still imports by name, in order. */
  packages: string[];
}

/** Packages with machine code, and those whose files it looks for beside itself. */
const LEFT_OUT = ["@duckdb/node-bindings", "isolated-vm"];
/** CommonJS packages ask for Node's modules with `require`. */
const REQUIRE = 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);';

/**
 * One ECMAScript module of many: ours and those of the packages. A module of ours that asks where it is finds itself where it
 * stood, seen from the entry's place. Throws what the bundler throws.
 */
export function bundle({ entry, modules, root }: BundleInput): Bundle {
  // only here: who finds its program made has no need of the bundler
  const { buildSync } = createRequire(import.meta.url)("esbuild") as typeof Esbuild;
  const draft = mkdtempSync(join(tmpdir(), "sluice-bundle-"));
  try {
    for (const [path, source] of modules) {
      mkdirSync(dirname(join(draft, path)), { recursive: true });
      writeFileSync(join(draft, path), withPlace(source.toString("utf8"), path, entry));
    }
    writeFileSync(join(draft, "package.json"), JSON.stringify({ type: "module", imports: { "#*": "./src/*" } }));
    const { outputFiles, metafile } = buildSync({
      absWorkingDir: draft,
      entryPoints: [entry],
      outfile: "bundle.js",
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "esm",
      target: `node${process.versions.node.split(".")[0]}`,
      nodePaths: [join(root, "node_modules")],
      external: LEFT_OUT,
      banner: { js: REQUIRE },
      legalComments: "inline",
      logLevel: "silent",
    });
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
    const packages = LEFT_OUT.filter((name) => imports.includes(name));
    return { code: Buffer.from(outputFiles[0]!.contents), packages };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** The bundle stands where the entry stood. */
function withPlace(source: string, path: string, entry: string): string {
  const place = posix.relative(posix.dirname(entry), path).replace(/\.ts$/, ".js");
  return source.replaceAll("import.meta.url", `new URL(${JSON.stringify(place)}, import.meta.url).href`);
}
