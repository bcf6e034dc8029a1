import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "#kernel/errors.ts";

/** An npm package that a program needs. */
export interface PackagePlace {
  name: string;
  directory: string;
  /** Shared objects in it. */
  natives: readonly string[];
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const places = new Map<string, PackagePlace | undefined>();

/** The packages of these imports and all that they depend on, where npm put them. Throws `configuration_invalid`. */
export function placePackages(imports: readonly string[]): PackagePlace[] {
  const found = new Map<string, PackagePlace>();
  for (const specifier of imports) addPackage(packageName(specifier), found);
  return [...found.values()];
}

function addPackage(name: string, found: Map<string, PackagePlace>): void {
  if (found.has(name)) return;
  const place = placeOf(name);
  if (!place) throw new AppError("configuration_invalid", `the package ${name} is not installed (run make setup)`);
  found.set(name, place);
  const { dependencies = {}, optionalDependencies = {} } = readPackage(place.directory);
  for (const dependency of Object.keys(dependencies)) {
    const isNested = existsSync(join(place.directory, "node_modules", dependency));
    if (!isNested && !dependency.startsWith("@types/")) addPackage(dependency, found);
  }
  // those of other platforms are not there
  for (const dependency of Object.keys(optionalDependencies)) if (placeOf(dependency)) addPackage(dependency, found);
}

function placeOf(name: string): PackagePlace | undefined {
  if (!places.has(name)) {
    const directory = join(ROOT, "node_modules", name);
    const natives = existsSync(directory) ? globSync("**/*.{node,so}", { cwd: directory }) : [];
    const place = { name, directory, natives: natives.map((path) => join(directory, path)) };
    places.set(name, existsSync(directory) ? place : undefined);
  }
  return places.get(name);
}

interface PackageFile {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

function readPackage(directory: string): PackageFile {
  return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as PackageFile;
}

/** `@scope/name/part` → `@scope/name`. */
function packageName(specifier: string): string {
  const parts = specifier.split("/", specifier.startsWith("@") ? 2 : 1);
  return parts.join("/");
}
