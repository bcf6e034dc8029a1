import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import t, { type Test } from "tap";
import type { MountedProduct } from "#contract/engine.ts";
import { sha256 } from "#kernel/digest.ts";
import { ProductCache } from "../../src/runner/product-cache.ts";

const bytesOf = (seed: number, size = 1000) => Buffer.alloc(size, seed);

function product(id: string, contents: readonly Buffer[]): MountedProduct {
  const files = contents.map((bytes, i) => {
    return { path: `f${i}.arrow`, columns: ["a"], bytes: bytes.byteLength, digest: sha256(bytes) };
  });
  return { id, version: `pv_${id}`, directory: "/nonexistent", rowCount: 1, columns: [], files };
}

/** A source of files by digest that can be told to misbehave. */
function origin(contents: readonly Buffer[]) {
  const files = new Map(contents.map((bytes) => [sha256(bytes) as string, bytes]));
  const asked: { lease: string; start: number }[] = [];
  let spoil = (bytes: Buffer): Buffer => bytes;
  return {
    asked,
    spoil: (how: (bytes: Buffer) => Buffer) => {
      spoil = how;
    },
    fetchFile: async ({ lease, digest, start }: { lease: string; digest: string; start: number }) => {
      asked.push({ lease, start });
      const bytes = files.get(digest);
      if (!bytes) throw new Error("no such file");
      return Readable.from([spoil(bytes.subarray(start))]);
    },
  };
}

async function stage(
  t: Test,
  { contents, limitBytes = 1 << 20 }: { contents: readonly Buffer[]; limitBytes?: number },
) {
  const directory = mkdtempSync(join(tmpdir(), "sluice-cache-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const from = origin(contents);
  const open = async () => ProductCache.open({ directory, limitBytes, fetchFile: from.fetchFile, inPlace: false });
  return { directory, from, open, cache: await open() };
}

t.test("files come once, under the name of their digest, and are shared by who asks meanwhile", async (t) => {
  const contents = [bytesOf(1), bytesOf(2)];
  const { cache, directory, from } = await stage(t, { contents });
  const wanted = product("p", contents);
  const [one, two] = await Promise.all([cache.hold("l1", [wanted]), cache.hold("l2", [wanted])]);
  t.equal(from.asked.length, 2);
  for (const { products } of [one, two]) {
    for (const [i, file] of products[0]!.files.entries()) {
      t.ok(readFileSync(join(products[0]!.directory, file.path)).equals(contents[i]!));
      t.equal(file.path, file.digest.slice(7));
    }
  }
  t.strictSame(readdirSync(directory).length, 2);
});

t.test("a corrupted byte is refused and nothing of it is left", async (t) => {
  const contents = [bytesOf(1)];
  const { cache, directory, from } = await stage(t, { contents });
  from.spoil((bytes) => Buffer.concat([bytes.subarray(1), Buffer.from([99])]));
  await t.rejects(cache.hold("l", [product("p", contents)]), { code: "product_unavailable" });
  t.strictSame(readdirSync(directory), []);
  from.spoil((bytes) => Buffer.concat([bytes, bytes]));
  await t.rejects(cache.hold("l", [product("p", contents)]), { code: "product_unavailable" }, "more than announced");
  from.spoil((bytes) => bytes);
  t.ok(await cache.hold("l", [product("p", contents)]));
});

t.test("a download that broke off goes on where it was", async (t) => {
  const contents = [bytesOf(1)];
  const { cache, from } = await stage(t, { contents });
  let broken = 0;
  from.spoil((bytes) => (broken++ < 2 ? bytes.subarray(0, 300) : bytes));
  t.ok(await cache.hold("l", [product("p", contents)]));
  t.strictSame(
    from.asked.map(({ start }) => start),
    [0, 300, 600],
  );
});

t.test("a source that fails is no fault of the product", async (t) => {
  const { cache } = await stage(t, { contents: [] });
  await t.rejects(cache.hold("l", [product("p", [bytesOf(1)])]), { code: "process_failed" });
});

t.test("what a killed process left is checked before its use", async (t) => {
  const contents = [bytesOf(1), bytesOf(2), bytesOf(3)];
  const { directory, from, open } = await stage(t, { contents });
  const [whole, half, damaged] = contents.map((bytes) => join(directory, sha256(bytes).slice(7)));
  writeFileSync(whole!, contents[0]!);
  writeFileSync(`${half!}.partial`, contents[1]!.subarray(0, 400));
  writeFileSync(damaged!, bytesOf(9));
  const cache = await open();
  const { products } = await cache.hold("l", [product("p", contents)]);
  for (const [i, file] of products[0]!.files.entries()) {
    t.ok(readFileSync(join(directory, file.path)).equals(contents[i]!), `file ${i}`);
  }
  t.strictSame(
    from.asked.map(({ start }) => start),
    [400, 0],
  );
  t.notOk(readdirSync(directory).some((name) => name.endsWith(".partial")));
});

t.test("the oldest unused file goes for a new one; what is held stays, and is refused room beside", async (t) => {
  const contents = [1, 2, 3, 4].map((seed) => bytesOf(seed));
  const { cache, directory } = await stage(t, { contents, limitBytes: 2500 });
  const hold = async (...which: number[]) =>
    cache.hold("l", [
      product(
        "p",
        which.map((i) => contents[i]!),
      ),
    ]);
  const has = (i: number) => existsSync(join(directory, sha256(contents[i]!).slice(7)));
  (await hold(0)).release();
  (await hold(1)).release();
  (await hold(0)).release();
  const held = await hold(2);
  t.strictSame([has(0), has(1), has(2)], [true, false, true], "1 was not used for longest");
  const both = await hold(0);
  await t.rejects(hold(3), { code: "product_unavailable", details: { reason: "cache_full" } });
  t.strictSame([has(0), has(2)], [true, true]);
  both.release();
  t.ok(await hold(3));
  t.strictSame([has(0), has(2), has(3)], [false, true, true]);
  held.release();
});

t.test("a product that lies on this machine is mounted from there, where that is allowed", async (t) => {
  const contents = [bytesOf(1)];
  const { directory, from } = await stage(t, { contents });
  const there = join(directory, "made-here");
  mkdirSync(there);
  writeFileSync(join(there, "manifest.json"), "{}");
  const wanted = { ...product("p", contents), directory: there };
  const options = { directory: join(directory, "cache"), limitBytes: 1 << 20, fetchFile: from.fetchFile };
  const own = await ProductCache.open({ ...options, inPlace: true });
  t.strictSame((await own.hold("l", [wanted])).products, [wanted]);
  t.equal(from.asked.length, 0);
  const node = await ProductCache.open({ ...options, inPlace: false });
  await node.hold("l", [wanted]);
  t.equal(from.asked.length, 1);
});
