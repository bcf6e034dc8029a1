import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import type { MountedProduct } from "#contract/engine.ts";
import type { ProductFile } from "#contract/product.ts";
import { openArrowFiles, typeName, type BatchLimits } from "../../../src/engine/arrow/index.ts";
import { loadArrowExtension } from "../../../src/engine/arrow/mount.ts";

export interface ProductOptions extends BatchLimits {
  id: string;
  /** Any relation in SQL; it is read once for each file. */
  relation: string;
  directory: string;
  /** Names of columns by file; one file with all of them unless said otherwise. */
  groups?: string[][];
  /** `wide` as product versions were once written. */
  decimals?: "narrow" | "wide";
}

/** Writes a product with the real writer. */
export async function writeProduct(connection: DuckDBConnection, options: ProductOptions): Promise<MountedProduct> {
  const { id, relation, groups, decimals = "narrow", ...rest } = options;
  const directory = join(options.directory, id);
  await mkdir(directory, { recursive: true });
  const shape = await connection.runAndReadAll(`SELECT * FROM ${relation} LIMIT 0`);
  const names = shape.columnNames();
  const files: ProductFile[] = [];
  let rowCount = 0;
  for (const [place, columns] of (groups ?? [names]).entries()) {
    const path = `g${place}.arrow`;
    const result = await connection.stream(`SELECT ${columns.map((name) => `"${name}"`).join(", ")} FROM ${relation}`);
    const fileColumns = columns.map((name, index) => ({ name, type: result.columnType(index), index }));
    using writer = openArrowFiles([{ path: join(directory, path), columns: fileColumns, decimals }], rest);
    for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      writer.append(chunk);
    }
    const summary = writer.finish()[0]!;
    rowCount = summary.rowCount;
    files.push({ path, columns, bytes: summary.bytes, digest: summary.digest });
  }
  const columns = names.map((name, i) => {
    const type = typeName(shape.columnType(i));
    return { name, type, role: "public", grade: "L1", nullCount: 0, approxDistinct: 0 } as const;
  });
  return { id, version: "v1", directory, rowCount, columns, files };
}

export interface Engine extends AsyncDisposable {
  instance: DuckDBInstance;
  connection: DuckDBConnection;
}

/** An instance that can load the scan; `loaded` unless said otherwise. */
export async function openEngine({ threads = 2, loaded = true } = {}): Promise<Engine> {
  const instance = await DuckDBInstance.create(":memory:", {
    allow_unsigned_extensions: "true",
    threads: String(threads),
  });
  const connection = await instance.connect();
  if (loaded) await loadArrowExtension(connection);
  return {
    instance,
    connection,
    async [Symbol.asyncDispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** The first column of the first row. */
export async function firstValue(connection: DuckDBConnection, sql: string): Promise<unknown> {
  return (await connection.runAndReadAll(sql)).getRows()[0]?.[0];
}

/** The statements that an engine locks itself down with after mounting. */
export const LOCK_DOWN: readonly string[] = [
  "SET temp_directory=''",
  "SET autoinstall_known_extensions=false",
  "SET autoload_known_extensions=false",
  "SET allow_community_extensions=false",
  "SET allow_persistent_secrets=false",
  "SET allow_unredacted_secrets=false",
  "SET max_expression_depth=250",
  "SET enable_external_access=false",
  "SET disabled_filesystems='LocalFileSystem'",
  "SET lock_configuration=true",
];
