import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { buildArrowExtension, buildExtension } from "../../../src/engine/native/build.ts";
import { loadArrowExtension } from "../../../src/engine/arrow/mount.ts";
import { openEngine } from "./products.ts";

await buildArrowExtension();
const SOURCE = fileURLToPath(new URL("api-check.c", import.meta.url));

t.test("every place of DuckDB's C API that the extension uses holds the function of that name", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-native-"));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const path = await buildExtension([SOURCE], join(directory, "api_check.duckdb_extension"));
  await using engine = await openEngine({ loaded: false });
  await t.resolves(loadArrowExtension(engine.connection, path));
});

t.test("the extension ends with the 512 bytes that DuckDB reads: fields of 32 bytes, last first", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-native-"));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const path = await buildExtension([SOURCE], join(directory, "api_check.duckdb_extension"));
  const footer = (await readFile(path)).subarray(-512);
  const fields = Array.from({ length: 8 }, (_, i) =>
    footer
      .subarray(i * 32, i * 32 + 32)
      .toString()
      .replaceAll("\0", ""),
  );
  t.equal(fields[7], "4");
  t.match(fields[6], /^linux_(amd64|arm64)$/);
  t.same(fields.slice(3, 6), ["C_STRUCT", "v0.1.0", "v1.2.0"]);
});

t.test("an instance that forbids unsigned extensions does not load it", async (t) => {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  t.teardown(() => {
    connection.closeSync();
    instance.closeSync();
  });
  await t.rejects(loadArrowExtension(connection), /signature/);
});
