import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { isAppError } from "#kernel/errors.ts";
import { buildArrowExtension } from "../../../src/engine/native/build.ts";
import { mountProducts } from "../../../src/engine/arrow/mount.ts";
import { everyType } from "./every-type.ts";
import { firstValue, LOCK_DOWN, openEngine, writeProduct } from "./products.ts";

await buildArrowExtension();
const directory = await mkdtemp(join(tmpdir(), "sluice-native-"));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const written = await (async () => {
  await using engine = await openEngine();
  const options = { relation: everyType({ rows: 9000, seed: 1 }), directory, rowsPerBatch: 4096 };
  return {
    granted: await writeProduct(engine.connection, { ...options, id: "granted" }),
    other: await writeProduct(engine.connection, { ...options, id: "other" }),
  };
})();
const OTHER_FILE = join(written.other.directory, "g0.arrow");

t.test("the scan works after the lock-down and cannot be led to another file", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  await mountProducts(connection, [written.granted]);
  for (const statement of LOCK_DOWN) await connection.run(statement);
  t.equal(await firstValue(connection, "SELECT count(DISTINCT i) FROM granted"), 9000n);
  for (const refused of [
    `FROM sluice_arrow_attach('mine', ['${OTHER_FILE}'], NULL::STRUCT(i BIGINT))`,
    `FROM sluice_arrow('${OTHER_FILE}')`,
    "FROM sluice_arrow('other')",
    "FROM sluice_arrow(NULL)",
    "FROM sluice_arrow('')",
    `FROM '${OTHER_FILE}'`,
    `FROM read_blob('${OTHER_FILE}')`,
    "LOAD '/tmp/other.duckdb_extension'",
  ]) {
    await t.rejects(connection.run(refused), refused);
  }
  await connection.run("FROM sluice_arrow_seal()");
  t.equal(await firstValue(connection, "SELECT count(*) FROM granted"), 9000n, "sealing again changes nothing");
});

t.test("a statement that was prepared before the seal opens nothing after it", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  const prepared = await connection.prepare(
    `SELECT rows FROM sluice_arrow_attach('mine', ['${OTHER_FILE}'], NULL::STRUCT(i BIGINT))`,
  );
  await mountProducts(connection, [written.granted]);
  await t.rejects(prepared.run(), /sealed/);
  await t.rejects(connection.run("FROM sluice_arrow('mine')"), /unknown_product/);
});

t.test("the seal belongs to one instance, and so do the products", async (t) => {
  await using first = await openEngine();
  await using second = await openEngine();
  await mountProducts(first.connection, [written.granted]);
  await t.rejects(second.connection.run("FROM sluice_arrow('granted')"), /unknown_product/);
  await mountProducts(second.connection, [written.other]);
  t.equal(await firstValue(second.connection, "SELECT count(*) FROM other"), 9000n);
  await t.rejects(first.connection.run("FROM sluice_arrow('other')"), /unknown_product/);
});

t.test("an instance that is closed leaves no file mapped, and another goes on", async (t) => {
  await using staying = await openEngine();
  await mountProducts(staying.connection, [written.granted]);
  {
    await using leaving = await openEngine();
    await mountProducts(leaving.connection, [written.other]);
    t.equal(await firstValue(leaving.connection, "SELECT count(varchar) > 0 FROM other"), true);
    t.match(await readFile("/proc/self/maps", "utf8"), OTHER_FILE);
  }
  t.notMatch(await readFile("/proc/self/maps", "utf8"), OTHER_FILE);
  t.equal(await firstValue(staying.connection, "SELECT count(*) FROM granted"), 9000n);
});

t.test("one token is registered once", async (t) => {
  await using engine = await openEngine();
  await mountProducts(engine.connection, [written.granted], { keepOpen: true });
  await t.rejects(mountProducts(engine.connection, [written.granted]), /token_taken/);
});

t.test("a file that differs from its manifest is refused before it is mapped", async (t) => {
  const { granted } = written;
  const file = granted.files[0]!;
  const column = granted.columns[0]!;
  const damaged = {
    "a longer file": { ...granted, files: [{ ...file, bytes: file.bytes - 1 }] },
    "another digest": { ...granted, files: [{ ...file, digest: `sha256:${"0".repeat(64)}` }] },
    "a missing file": { ...granted, files: [{ ...file, path: "missing.arrow" }] },
    "a path outside of the directory": { ...granted, files: [{ ...file, path: "../other/g0.arrow" }] },
    "another number of rows": { ...granted, rowCount: granted.rowCount + 1 },
    "another type": { ...granted, columns: [{ ...column, type: "VARCHAR" }] },
    "a column that no file has": {
      ...granted,
      columns: [{ ...column, name: "absent" }],
      files: [{ ...file, columns: ["absent"] }],
    },
    "a column that two files have": { ...granted, columns: [column], files: [file, file] },
    "no file": { ...granted, files: [] },
  };
  for (const [title, product] of Object.entries(damaged)) {
    await using engine = await openEngine();
    const failure = await mountProducts(engine.connection, [product]).catch((error: unknown) => error);
    t.ok(isAppError(failure, "bad_arrow_file"), title);
  }
});

t.test("a digest is computed again when a file changes", async (t) => {
  await using engine = await openEngine();
  const product = await writeProduct(engine.connection, { id: "changing", relation: "range(1000) t(i)", directory });
  await mountProducts(engine.connection, [product], { keepOpen: true });
  const path = join(product.directory, "g0.arrow");
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await rm(path);
  await writeFile(path, bytes);
  await using second = await openEngine();
  const failure = await mountProducts(second.connection, [product]).catch((error: unknown) => error);
  t.ok(isAppError(failure, "bad_arrow_file"));
});

t.test("files of one product with other row boundaries are refused", async (t) => {
  await using engine = await openEngine();
  const relation = "(SELECT i AS a, i AS b FROM range(100) t(i))";
  const [left, right] = [
    await writeProduct(engine.connection, {
      id: "left",
      relation,
      directory,
      groups: [["a"], ["b"]],
      rowsPerBatch: 50,
    }),
    await writeProduct(engine.connection, {
      id: "right",
      relation,
      directory,
      groups: [["a"], ["b"]],
      rowsPerBatch: 40,
    }),
  ];
  const mixed = {
    ...left,
    directory,
    files: [
      { ...left.files[0]!, path: "left/g0.arrow" },
      { ...right.files[1]!, path: "right/g1.arrow" },
    ],
  };
  const failure = await mountProducts(engine.connection, [mixed]).catch((error: unknown) => error);
  t.ok(isAppError(failure, "bad_arrow_file"));
});

t.test("a truncated file is refused at every length tried", async (t) => {
  await using engine = await openEngine();
  const relation = everyType({ rows: 300, seed: 2 });
  const product = await writeProduct(engine.connection, { id: "cut", relation, directory, rowsPerBatch: 100 });
  const file = product.files[0]!;
  const path = join(product.directory, file.path);
  for (let bytes = file.bytes - 1, step = 1; bytes >= 0; bytes -= step, step = Math.ceil(step * 1.7)) {
    await truncate(path, bytes);
    const shorter = { ...product, files: [{ ...file, bytes }] };
    const failure = await mountProducts(engine.connection, [shorter], { verified: true }).catch(
      (error: unknown) => error,
    );
    t.ok(isAppError(failure, "bad_arrow_file"), `${bytes} bytes`);
  }
});
