import { lstat, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProductSource } from "#contract/product.ts";
import { type Digest, sha256OfFile } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { invalidProduct } from "./check-spec.ts";
import { parsePostgresSource } from "./postgres-source.ts";

/** A source that may be read: what may be stored and shown of it, and what only the ingest is given. */
export interface CheckedSource {
  /** With an absolute path without symbolic links, or a database address without its password. */
  source: ProductSource;
  /** Digest of the file as it is now; absent for a database table, which is read when it is ingested. */
  digest?: Digest;
  /** The database address with its password. */
  secret?: string;
}

/**
 * Decides whether a source may be read and looks at it. Files must lie, after symbolic links, inside one of the
 * roots (else `source_not_allowed`, whether they exist or not); a relative path is looked for under each root in
 * turn. A `url` may only be a `file:` address of that kind; fetching over the network is `not_supported`.
 */
export async function checkSource(source: ProductSource, sourceRoots: readonly string[]): Promise<CheckedSource> {
  if ("postgres" in source) return parsePostgresSource(source);
  const path = "path" in source ? source.path : pathOfUrl(source.url);
  const file = await findInRoots(path, sourceRoots);
  return { source: { path: file }, digest: await sha256OfFile(file) };
}

function pathOfUrl(url: string): string {
  const address = URL.parse(url);
  if (!address) throw invalidProduct([{ path: "/source/url", message: "The source is not a URL" }]);
  if (address.protocol !== "file:") {
    throw new AppError(
      "not_supported",
      "A source is a file or a PostgreSQL table; nothing is fetched over the network",
    );
  }
  try {
    return fileURLToPath(address);
  } catch (cause) {
    throw new AppError("source_not_allowed", undefined, { cause });
  }
}

async function findInRoots(path: string, sourceRoots: readonly string[]): Promise<string> {
  const roots = await realRoots(sourceRoots);
  const places = await Promise.all(roots.map(async (root) => placeOf(root, path)));
  const found = places.find((place) => typeof place === "object");
  if (found) return await requireFile(found.path);
  // INVARIANT: what lies outside has one answer, whether it exists or not
  if (places.every((place) => place === "elsewhere") || places.includes("escapes")) {
    throw new AppError("source_not_allowed");
  }
  throw invalidProduct([{ path: "/source", message: "There is no such file under the source roots" }]);
}

type Place = { path: string } | "missing" | "escapes" | "elsewhere";

interface Root {
  /** As configured, and after symbolic links. */
  named: string;
  real: string;
}

/** Where a path leads, seen from one root. */
async function placeOf({ named, real }: Root, relativePath: string): Promise<Place> {
  const path = resolve(real, relativePath);
  if (!isInside(path, real) && !isInside(path, named)) return "elsewhere";
  const found = await findReal(path);
  if (found !== undefined) return isInside(found, real) ? { path: found } : "escapes";
  return (await missingInside(path, real)) ? "missing" : "escapes";
}

/** Whether nothing on the way to a missing file leaves the root, so that saying so tells nothing of other places. */
async function missingInside(path: string, root: string): Promise<boolean> {
  const parent = dirname(path);
  const found = await findReal(parent);
  if (found === undefined) return missingInside(parent, root);
  const isLink = await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
  return !isLink && (found === root || isInside(found, root));
}

async function realRoots(sourceRoots: readonly string[]): Promise<Root[]> {
  const found = await Promise.all(
    sourceRoots.map(async (root) => ({ named: resolve(root), real: await findReal(root) })),
  );
  return found.flatMap(({ named, real }) => (real === undefined ? [] : [{ named, real }]));
}

/** A path with a NUL character (`ERR_INVALID_ARG_VALUE`) names nothing either. */
const NOT_THERE = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"]);

async function findReal(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && NOT_THERE.has(code)) return undefined;
    throw error;
  }
}

function isInside(path: string, root: string): boolean {
  const rest = relative(root, path);
  return rest !== "" && rest !== ".." && !rest.startsWith("../") && !isAbsolute(rest);
}

async function requireFile(path: string): Promise<string> {
  if ((await stat(path)).isFile()) return path;
  throw invalidProduct([{ path: "/source", message: "The source is not a regular file" }]);
}
