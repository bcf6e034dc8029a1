import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Value } from "typebox/value";
import type { Test } from "tap";
import { ProductManifest, type ColumnRole, type ProductColumn, type ProductSource } from "#contract/product.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { ingestProduct, type IngestOptions } from "#engine/ingest/index.ts";
import { encodeArrowStream, mountProducts } from "#engine/arrow/index.ts";
import { renderTable } from "#engine/render/index.ts";
import { buildArrowExtension } from "../../../src/engine/native/build.ts";
import { openEngine } from "../native/products.ts";

export function temporaryDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), "sluice-ingest-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function sourceFile(t: Test, name: string, content: string | Uint8Array): { path: string } {
  const path = join(temporaryDirectory(t), name);
  writeFileSync(path, content);
  return { path };
}

/** `{ name: role }` to declared columns. */
export function columns(roles: Readonly<Record<string, ColumnRole>>): ProductColumn[] {
  return Object.entries(roles).map(([name, role]) => ({ name, role, grade: "L2" }));
}

export interface Ingested {
  directory: string;
  manifest: ProductManifest;
  /** Rows of a column, as JSON has them. */
  values(column: string): unknown[];
  type(column: string): string;
  /** The real subject keys of the rows, from the file that is not mounted. */
  keys(): unknown[];
}

interface IngestCase extends Partial<IngestOptions> {
  source: ProductSource;
  columns: ProductColumn[];
  subjectKey?: string;
}

/** Ingests and checks what must hold for every version. */
export async function ingest(t: Test, { source, columns, subjectKey, ...options }: IngestCase): Promise<Ingested> {
  const directory = join(temporaryDirectory(t), "v1");
  const spec = {
    id: "test",
    source,
    grade: "L3" as const,
    columns,
    ...(subjectKey === undefined ? {} : { subjectKey }),
  };
  const { manifest, manifestDigest } = await ingestProduct({
    spec,
    directory,
    subjectsDirectory: temporaryDirectory(t),
    ...options,
  });
  t.ok(Value.Check(ProductManifest, manifest), "the manifest has its form");
  const text = readFileSync(join(directory, "manifest.json"), "utf8");
  t.same(JSON.parse(text), manifest);
  t.equal(sha256(text), manifestDigest);
  t.same(
    readdirSync(directory).toSorted(),
    ["manifest.json", ...manifest.files.map(({ path }) => path)].toSorted(),
    "nothing but the declared files",
  );
  for (const { path, digest, bytes } of manifest.files) {
    const content = readFileSync(join(directory, path));
    t.equal(sha256(content), digest);
    t.equal(content.byteLength, bytes);
  }
  const rows = await scan(directory, manifest);
  return {
    directory,
    manifest,
    values(column) {
      const place = manifest.columns.findIndex(({ name }) => name === column);
      return rows.map((row) => row[place]);
    },
    keys: () => keysOf(directory, manifest),
    type: (column) => manifest.columns.find(({ name }) => name === column)!.type,
  };
}

/** What no engine mounts: the file of the real keys, read by itself. */
function keysOf(directory: string, manifest: ProductManifest): unknown[] {
  const { path } = manifest.files.find(({ zone }) => zone === "governance")!;
  const rendered = renderTable(readFileSync(join(directory, path)), { format: "json", suppressed: 0, notes: [] });
  const { rows } = JSON.parse(Buffer.from(rendered).toString("utf8")) as { rows: unknown[][] };
  return rows.map(([key]) => key);
}

/** Scans the version as an engine does; rows as our JSON has them. */
async function scan(directory: string, manifest: ProductManifest): Promise<unknown[][]> {
  await buildArrowExtension();
  await using engine = await openEngine();
  const { product: id, rowCount, columns, files } = manifest;
  await mountProducts(engine.connection, [{ id, version: "v1", directory, rowCount, columns, files }]);
  const result = await engine.connection.stream(`FROM "${id}"`);
  const { bytes } = await encodeArrowStream(result, { maxRows: 1e9, maxBytes: 1e9 });
  const rendered = renderTable(bytes, { format: "json", suppressed: 0, notes: [] });
  return (JSON.parse(Buffer.from(rendered).toString("utf8")) as { rows: unknown[][] }).rows;
}

/** The error of an ingest that must fail, after which nothing may be left. */
export async function failure(t: Test, { source, columns, subjectKey, ...options }: IngestCase): Promise<AppError> {
  const parent = temporaryDirectory(t);
  const spec = {
    id: "test",
    source,
    grade: "L3" as const,
    columns,
    ...(subjectKey === undefined ? {} : { subjectKey }),
  };
  const places = { directory: join(parent, "v1"), subjectsDirectory: temporaryDirectory(t) };
  const error: unknown = await ingestProduct({ spec, ...places, ...options }).catch((e: unknown) => e);
  t.same(readdirSync(parent), [], "nothing is left behind");
  if (!(error instanceof AppError)) throw new Error("the ingest must fail with a coded error", { cause: error });
  return error;
}
