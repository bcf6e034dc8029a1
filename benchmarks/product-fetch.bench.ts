/**
 * A file of a product on its way to a runner node: fetched over loopback HTTP into the cache, checked, durable; and the
 * check of one that an earlier process left. The reference fetches the same bytes and makes them durable, unchecked.
 * 64 MiB (`--mib=`). Also what sealing and unsealing them for a storage takes, piece by piece.
 */
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { request } from "undici";
import { sha256 } from "#kernel/digest.ts";
import { createFileSeal, PIECE_BYTES } from "../src/persistence/sealed-file.ts";
import { ProductCache } from "../src/runner/product-cache.ts";
import { runBenchmark } from "./bench.ts";

const MIB = Number(process.argv.find((argument) => argument.startsWith("--mib="))?.slice(6) ?? 64);
const directory = mkdtempSync(join(tmpdir(), "sluice-fetch-"));
const source = join(directory, "source");
const bytes = randomBytes(MIB * 1024 ** 2);
writeFileSync(source, bytes);
const file = { path: "a.arrow", columns: ["a"], bytes: bytes.byteLength, digest: sha256(bytes) };
const product = { id: "p", version: "pv_1", directory: "/nonexistent", rowCount: 1, columns: [], files: [file] };
const server = createServer((_incoming, answer) => {
  createReadStream(source, { highWaterMark: 1 << 20 }).pipe(answer);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
if (address === null || typeof address === "string") throw new Error("no address");
const url = `http://127.0.0.1:${address.port}/`;

const cached = join(directory, "cache");
const plain = join(directory, "plain");
const pieces = Array.from({ length: Math.ceil(bytes.byteLength / PIECE_BYTES) }, (_, index) =>
  bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
);
const seal = createFileSeal(randomBytes(32), "a");
const places = pieces.map((_, index) => ({ index, last: index === pieces.length - 1 }));
const sealed = pieces.map((piece, index) => seal.seal(piece, places[index]!));
const few = { runs: 9, warmUpRuns: 1 };

try {
  await runBenchmark({
    name: "product-fetch",
    measurements: [
      {
        ...few,
        name: "fetched, unchecked",
        isReference: true,
        prepare: async () => rm(plain, { force: true }),
        run: fetchPlainly,
      },
      {
        ...few,
        name: "fetched into the cache",
        prepare: async () => rm(cached, { recursive: true, force: true }),
        run: hold,
      },
      { ...few, name: "in the cache, checked after a restart", run: hold },
      { ...few, name: "sealed", run: () => pieces.map((piece, index) => seal.seal(piece, places[index]!)) },
      { ...few, name: "unsealed", run: () => sealed.map((piece, index) => seal.unseal(piece, places[index]!)) },
    ],
    details: () => ({ mib: MIB }),
  });
} finally {
  server.close();
  rmSync(directory, { recursive: true, force: true });
}

async function fetchPlainly(): Promise<void> {
  await pipeline(await fetchFile(), createWriteStream(plain));
  await using written = await open(plain, "r");
  await written.sync();
}

async function fetchFile(): Promise<Readable> {
  return (await request(url)).body;
}

async function hold(): Promise<void> {
  const cache = await ProductCache.open({ directory: cached, limitBytes: 2 ** 40, fetchFile, inPlace: false });
  (await cache.hold("lease", [product])).release();
}
