import { isAbsolute, resolve } from "node:path";
import { LineCounter, parseDocument, type Document } from "yaml";
import { CliError } from "./cli-error.ts";

export interface SpaceSource {
  /** As it is named in messages. */
  name: string;
  text: string;
  /** Relative source paths start here. */
  directory: string;
}

export interface SpaceFile {
  /** What the file declares, with absolute source paths; its form is judged by the server. */
  space: unknown;
  /** Where the value of a JSON pointer stands in the file: `name:line:column`. */
  placeOf(pointer: string): string;
}

/** Reads the YAML of a space file. Throws `invalid_space` with the line when it is not YAML. */
export function parseSpaceFile(source: SpaceSource): SpaceFile {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
  const placeAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${source.name}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw new CliError("invalid_space", `${placeAt(problem.pos[0])}: ${problem.message}`);
  return {
    space: withAbsolutePaths(valueOf(document, placeAt), source.directory),
    placeOf: (pointer) => placeAt(offsetOf(document, pointer.split("/").slice(1).map(unescapePointer))),
  };
}

/** Anchors are followed here: one that is missing, or that grows the document without end, is refused. */
function valueOf(document: Document, placeAt: (offset: number) => string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    const message = `${placeAt(document.contents?.range?.[0] ?? 0)}: ${(cause as Error).message}`;
    throw new CliError("invalid_space", message, { cause });
  }
}

/** The server does not know where the file lies, so paths are made absolute here. */
function withAbsolutePaths(space: unknown, directory: string): unknown {
  if (!isObject(space) || !Array.isArray(space["products"])) return space;
  const products = space["products"].map((product: unknown) => {
    if (!isObject(product) || !isObject(product["source"])) return product;
    const { path } = product["source"];
    if (typeof path !== "string" || isAbsolute(path)) return product;
    return { ...product, source: { ...product["source"], path: resolve(directory, path) } };
  });
  return { ...space, products };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Where the value of the path begins, or the nearest thing around it that is there. */
function offsetOf(document: Document, steps: readonly string[]): number {
  for (let length = steps.length; length >= 0; length--) {
    const node: unknown = document.getIn(steps.slice(0, length).map(asIndex), true);
    const range = (node as { range?: readonly number[] } | undefined)?.range;
    if (range?.[0] !== undefined) return range[0];
  }
  return 0;
}

function asIndex(step: string): string | number {
  return /^\d+$/.test(step) ? Number(step) : step;
}

function unescapePointer(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
