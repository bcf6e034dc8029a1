import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { MountedProduct } from "#contract/engine.ts";
import { buildArrowExtension } from "../../../src/engine/native/build.ts";
import { mountProducts } from "../../../src/engine/arrow/mount.ts";
import { firstValue, openEngine, writeProduct } from "./products.ts";

await buildArrowExtension();
const directory = await mkdtemp(join(tmpdir(), "sluice-native-"));
t.teardown(() => rm(directory, { recursive: true, force: true }));

/** Replaces one run of bytes that occurs exactly once in the product's only file. */
async function damage(product: MountedProduct, from: Buffer, to: Buffer): Promise<void> {
  const path = join(product.directory, product.files[0]!.path);
  const bytes = await readFile(path);
  const at = bytes.indexOf(from);
  if (at < 0 || bytes.indexOf(from, at + 1) >= 0) throw new Error("the run is not there once");
  to.copy(bytes, at);
  await writeFile(path, bytes);
}

const int32s = (...values: number[]) => Buffer.from(Int32Array.from(values).buffer);
const wide = (low: bigint, high: bigint) => Buffer.from(BigInt64Array.from([low, high]).buffer);

const CASES = [
  {
    title: "an index outside of the dictionary",
    relation: "(SELECT (['a', 'b'])[1 + i % 2]::ENUM('a', 'b') AS x FROM range(7) t(i))",
    from: Buffer.from([0, 1, 0, 1, 0, 1, 0]),
    to: Buffer.from([0, 1, 2, 1, 0, 1, 0]),
  },
  {
    title: "a negative index",
    relation: "(SELECT (['a', 'b'])[1 + i % 2]::ENUM('a', 'b') AS x FROM range(7) t(i))",
    from: Buffer.from([0, 1, 0, 1, 0, 1, 0]),
    to: Buffer.from([0, 1, 0, 0xff, 0, 1, 0]),
  },
  {
    title: "falling string offsets",
    relation: "(SELECT repeat('s', i::INTEGER) AS x FROM range(5) t(i))",
    from: int32s(0, 0, 1, 3, 6, 10),
    to: int32s(0, 0, 4, 3, 6, 10),
  },
  {
    title: "a string beyond its buffer",
    relation: "(SELECT repeat('s', i::INTEGER) AS x FROM range(5) t(i))",
    from: int32s(0, 0, 1, 3, 6, 10),
    to: int32s(0, 0, 1, 3, 6, 4096),
  },
  {
    title: "a list beyond its items",
    relation: "(SELECT [i, i, i] AS x FROM range(4) t(i))",
    from: int32s(0, 3, 6, 9, 12),
    to: int32s(0, 3, 6, 9, 13),
  },
];

for (const { title, relation, from, to } of CASES) {
  t.test(`${title} ends the statement with a code`, async (t) => {
    await using engine = await openEngine();
    const { connection } = engine;
    const product = await writeProduct(connection, { id: title.replaceAll(/\W/g, "_"), relation, directory });
    await damage(product, from, to);
    await mountProducts(connection, [product], { verified: true });
    await t.rejects(connection.run(`SELECT x FROM "${product.id}"`), /sluice_arrow: bad_rows/);
  });
}

const int32Row = (value: number) => int32s(value);
const wideRow = (value: number) => Buffer.from(BigInt64Array.from([BigInt(value), BigInt(value) >> 63n]).buffer);
const DECIMALS = [
  { type: "DECIMAL(4,0)", decimals: "narrow", row: int32Row, tooLarge: int32s(65_536) },
  { type: "DECIMAL(4,0)", decimals: "wide", row: wideRow, tooLarge: wideRow(65_536) },
  { type: "DECIMAL(9,0)", decimals: "wide", row: wideRow, tooLarge: wideRow(2 ** 32) },
  { type: "DECIMAL(18,0)", decimals: "wide", row: wideRow, tooLarge: wide(5n, 9n) },
] as const;

for (const { type, decimals, row, tooLarge } of DECIMALS) {
  t.test(
    `a ${decimals} ${type} that DuckDB's integer cannot hold ends the statement, unless it lies behind a NULL`,
    async (t) => {
      await using engine = await openEngine();
      const { connection } = engine;
      const relation = `(SELECT CASE WHEN i <> 3 THEN (i + 77)::${type} END AS x FROM range(5) t(i))`;
      const id = type.replaceAll(/\W/g, "_") + decimals;
      const hidden = await writeProduct(connection, { id: `hidden_${id}`, relation, directory, decimals });
      const shown = await writeProduct(connection, { id: `shown_${id}`, relation, directory, decimals });
      const stored = Buffer.concat([row(79), row(0), row(81)]);
      await damage(hidden, stored, Buffer.concat([row(79), tooLarge, row(81)]));
      await damage(shown, stored, Buffer.concat([row(79), row(0), tooLarge]));
      await mountProducts(connection, [hidden, shown], { verified: true });
      const sum = await firstValue(connection, `SELECT sum(x)::BIGINT FROM ${hidden.id}`);
      t.equal(Number(sum), 77 + 78 + 79 + 81);
      await t.rejects(connection.run(`SELECT x FROM ${shown.id}`), /bad_rows/);
    },
  );
}

t.test("a batch that lies behind the first 4 GiB of a file is found", async (t) => {
  await using engine = await openEngine();
  const { connection } = engine;
  const relation = "(SELECT i, 'a string of row ' || i AS s FROM range(1000) t(i))";
  const product = await writeProduct(connection, { id: "far", relation, directory, rowsPerBatch: 500 });
  const path = join(product.directory, "g0.arrow");
  const bytes = await readFile(path);
  const footerBytes = bytes.readInt32LE(bytes.length - 10);
  const footer = bytes.subarray(bytes.length - 10 - footerBytes);
  const moved = 2 ** 32 + 2 ** 20;
  let blocks = 0;
  let first = bytes.length;
  for (let at = 0; at + 24 <= footerBytes; at += 4) {
    const offset = Number(footer.readBigInt64LE(at));
    const isBlock = offset > 8 && offset < bytes.length && bytes.readInt32LE(offset) === -1 && offset % 64 === 0;
    if (!isBlock || footer.readInt32LE(at + 8) <= 0) continue;
    footer.writeBigInt64LE(BigInt(offset + moved), at);
    first = Math.min(first, offset);
    blocks++;
  }
  t.equal(blocks, 2);
  const file = await open(path, "w");
  await file.write(bytes, 0, first, 0);
  await file.write(bytes, first, bytes.length - first, first + moved);
  await file.close();
  const far = { ...product, files: [{ ...product.files[0]!, bytes: bytes.length + moved }] };
  await mountProducts(connection, [far], { verified: true });
  t.equal(await firstValue(connection, "SELECT sum(i) = 499500 AND min(s) = 'a string of row 0' FROM far"), true);
});
