import { stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { MountedProduct } from "#contract/engine.ts";
import type { ProductFile } from "#contract/product.ts";
import { sha256OfFile } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { ARROW_EXTENSION_PATH } from "../native/index.ts";

export interface MountOptions {
  /** Make empty tables with the same names and types, for planning: no file is touched, no extension needed. */
  empty?: boolean;
  /** The caller has compared the files' digests already; their sizes are still compared. */
  verified?: boolean;
  /** Leave the instance able to open more files. Only for tests and benchmarks. */
  keepOpen?: boolean;
}

/**
 * Loads the scan into an instance that was created with `allow_unsigned_extensions`, before it is locked down.
 * `path`: the built extension, where `make` puts it unless said otherwise.
 */
export async function loadArrowExtension(
  connection: DuckDBConnection,
  path: string = ARROW_EXTENSION_PATH,
): Promise<void> {
  await connection.run(`LOAD ${literal(path)}`);
}

/**
 * Makes a view for each product, named as the product, over its granted columns in the manifest's order, then seals
 * the instance: no statement can open another file. The time does not depend on the number of rows unless digests
 * must be computed (once per file and process).
 *
 * @throws AppError `bad_arrow_file` when a file is missing, differs from its manifest or cannot be read safely.
 */
export async function mountProducts(
  connection: DuckDBConnection,
  products: readonly MountedProduct[],
  options: MountOptions = {},
): Promise<void> {
  if (options.empty === true) {
    for (const product of products) await connection.run(emptyTable(product));
    return;
  }
  for (const product of products) await mountProduct(connection, product, options.verified === true);
  if (options.keepOpen !== true) await connection.run("FROM sluice_arrow_seal()");
}

async function mountProduct(connection: DuckDBConnection, product: MountedProduct, verified: boolean): Promise<void> {
  const paths: string[] = [];
  for (const file of grantedFiles(product)) {
    const path = pathInside(product, file);
    await verifyFile(path, file, verified);
    paths.push(path);
  }
  if (paths.length === 0) throw badFile(product, "no_files");
  const rows = await attach(connection, product, paths);
  if (rows !== BigInt(product.rowCount)) throw badFile(product, "row_count");
  await connection.run(view(product));
}

/** The C side opens the files and answers their number of rows. */
async function attach(connection: DuckDBConnection, product: MountedProduct, paths: string[]): Promise<bigint> {
  const files = `[${paths.map(literal).join(", ")}]`;
  const schema = `NULL::STRUCT(${columnDefinitions(product)})`;
  try {
    const reader = await connection.runAndReadAll(
      `SELECT rows FROM sluice_arrow_attach(${literal(product.id)}, ${files}, ${schema})`,
    );
    return reader.value(0, 0) as bigint;
  } catch (cause) {
    const reason = /sluice_arrow: ([a-z_]+)/.exec(String(cause))?.[1];
    if (reason === undefined || reason === "sealed" || reason === "token_taken") throw cause;
    throw badFile(product, reason, cause);
  }
}

function grantedFiles(product: MountedProduct): ProductFile[] {
  const granted = new Set(product.columns.map((column) => column.name));
  // whoever listed it: a file of the governance zone holds what no engine may see
  return product.files.filter(({ zone, columns }) => zone === undefined && columns.some((name) => granted.has(name)));
}

function pathInside(product: MountedProduct, file: ProductFile): string {
  const directory = resolve(product.directory);
  const path = resolve(directory, file.path);
  if (!path.startsWith(directory + sep)) throw badFile(product, "path");
  return path;
}

/** Digests of files that this process has read, by path, size, time of change and inode. */
const knownDigests = new Map<string, string>();

async function verifyFile(path: string, file: ProductFile, verified: boolean): Promise<void> {
  const status = await stat(path, { bigint: true }).catch((cause: unknown) => {
    throw new AppError("bad_arrow_file", undefined, { cause, details: { reason: "missing" } });
  });
  if (status.size !== BigInt(file.bytes))
    throw new AppError("bad_arrow_file", undefined, { details: { reason: "size" } });
  if (verified) return;
  const key = [path, status.size, status.mtimeNs, status.ino].join("\0");
  const digest = knownDigests.get(key) ?? (await sha256OfFile(path));
  if (digest !== file.digest) throw new AppError("bad_arrow_file", undefined, { details: { reason: "digest" } });
  knownDigests.set(key, digest);
}

function view(product: MountedProduct): string {
  const names = product.columns.map((column) => identifier(column.name)).join(", ");
  return `CREATE VIEW ${identifier(product.id)} AS SELECT ${names} FROM sluice_arrow(${literal(product.id)})`;
}

function emptyTable(product: MountedProduct): string {
  return `CREATE TABLE ${identifier(product.id)} (${columnDefinitions(product)})`;
}

/** The types are DuckDB's own names, written into the manifest at ingest. */
function columnDefinitions(product: MountedProduct): string {
  return product.columns.map((column) => `${identifier(column.name)} ${column.type}`).join(", ");
}

function badFile(product: MountedProduct, reason: string, cause?: unknown): AppError {
  return new AppError("bad_arrow_file", undefined, { cause, details: { product: product.id, reason } });
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
