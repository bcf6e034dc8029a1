import { createWriteStream, existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { MountedProduct } from "#contract/engine.ts";
import type { ProductFile } from "#contract/product.ts";
import { isDigest, sha256OfFile } from "#kernel/digest.ts";
import { AppError, isAppError } from "#kernel/errors.ts";

/** Products as an engine can mount them, until they are given back. */
export interface HeldProducts {
  products: MountedProduct[];
  release(): void;
}

/** Where a runner has the files of products from. */
export interface ProductSource {
  /** Throws `product_unavailable` for what is not as its manifest says or has no room, `process_failed` for the rest. */
  hold(lease: string, products: readonly MountedProduct[]): Promise<HeldProducts>;
}

/** The rest of a file, from `start` on. */
export type FetchFile = (wanted: { lease: string; digest: string; start: number }) => Promise<Readable>;

export interface ProductCacheOptions {
  directory: string;
  /** Most bytes on the disk, files under way included. */
  limitBytes: number;
  fetchFile: FetchFile;
  /** Whether a product that lies where the offer says is mounted from there. */
  inPlace: boolean;
}

interface Entry {
  bytes: number;
  pins: number;
}

const PARTIAL = ".partial";
const FETCH_TRIES = 3;
const FETCH_PAUSE_MS = 300;

/**
 * Files of products by their digests, in a directory of this runner's own, at most so many bytes: what was not used for
 * longest goes first, what an engine holds stays. INVARIANT: a file gets its name only when all of its bytes were
 * checked, and one that an earlier process left is checked again before its first use.
 */
export class ProductCache implements ProductSource {
  readonly #options: ProductCacheOptions;
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #checked = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();

  private constructor(options: ProductCacheOptions) {
    this.#options = options;
  }

  /** Takes over what earlier processes left in the directory; it belongs to one process at a time. */
  static async open(options: ProductCacheOptions): Promise<ProductCache> {
    const { directory } = options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const cache = new ProductCache(options);
    const found = await Promise.all(
      (await readdir(directory)).map(async (name) => {
        const { size, mtimeMs } = await stat(join(directory, name));
        return { name, size, mtimeMs };
      }),
    );
    for (const { name, size } of found.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
      cache.#entries.set(name, { bytes: size, pins: 0 });
    }
    return cache;
  }

  async hold(lease: string, products: readonly MountedProduct[]): Promise<HeldProducts> {
    const pinned: string[] = [];
    const release = () => {
      for (const name of pinned.splice(0)) this.#unpin(name);
    };
    try {
      const held: MountedProduct[] = [];
      for (const product of products) held.push(await this.#holdOne(lease, product, pinned));
      return { products: held, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #holdOne(lease: string, product: MountedProduct, pinned: string[]): Promise<MountedProduct> {
    const { inPlace, directory } = this.#options;
    if (inPlace && existsSync(join(product.directory, "manifest.json"))) return product;
    const files: ProductFile[] = [];
    for (const file of product.files) {
      const name = nameOf(file.digest);
      this.#pin(name, file.bytes);
      pinned.push(name);
      await this.#bring(lease, file);
      files.push({ ...file, path: name });
    }
    return { ...product, directory, files };
  }

  /** Files under way are shared; whoever waited for one that failed tries with a lease of his own. */
  async #bring(lease: string, file: ProductFile): Promise<void> {
    const { digest } = file;
    for (let attempt = 1; !this.#checked.has(digest); attempt++) {
      const other = this.#underWay.get(digest);
      if (other) {
        await other.catch(() => undefined);
        continue;
      }
      const work = this.#fetchOrCheck(lease, file).finally(() => this.#underWay.delete(digest));
      this.#underWay.set(digest, work);
      try {
        await work;
      } catch (error) {
        if (attempt >= FETCH_TRIES || isAppError(error)) throw failure(error);
        await pause(FETCH_PAUSE_MS * attempt);
      }
    }
  }

  async #fetchOrCheck(lease: string, file: ProductFile): Promise<void> {
    const name = nameOf(file.digest);
    const path = join(this.#options.directory, name);
    if (existsSync(path)) {
      if (await isWhole(path, file)) {
        await utimes(path, new Date(), new Date());
        this.#checked.add(file.digest);
        return;
      }
      await rm(path);
    }
    // what came of it before is part of what is pinned
    this.#entries.delete(`${name}${PARTIAL}`);
    await this.#makeRoom();
    await this.#fetch(lease, file, path);
    this.#checked.add(file.digest);
  }

  async #fetch(lease: string, file: ProductFile, path: string): Promise<void> {
    const partial = `${path}${PARTIAL}`;
    const start = await resumeAt(partial, file);
    if (start < file.bytes || file.bytes === 0) {
      const body = await this.#options.fetchFile({ lease, digest: file.digest, start });
      await pipeline(body, limitTo(file.bytes - start), createWriteStream(partial, { flags: "a", mode: 0o640 }));
    }
    if (!(await isWhole(partial, file))) {
      const { size } = await stat(partial);
      // a connection that ended early goes on from there; bytes that are wrong are of no use
      if (size < file.bytes) throw new Error("the file came in part");
      await rm(partial);
      throw new AppError("product_unavailable", "a file is not what its manifest says", {
        details: { reason: "digest" },
      });
    }
    await sync(partial);
    await rename(partial, path);
    await sync(this.#options.directory);
  }

  #pin(name: string, bytes: number): void {
    const entry = this.#entries.get(name) ?? { bytes, pins: 0 };
    this.#entries.delete(name);
    this.#entries.set(name, { bytes, pins: entry.pins + 1 });
  }

  #unpin(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    entry.pins--;
    // one that never came takes no room
    if (entry.pins === 0 && !existsSync(join(this.#options.directory, name))) this.#entries.delete(name);
  }

  /** What is pinned counts with the size that it will have. */
  async #makeRoom(): Promise<void> {
    const { directory, limitBytes } = this.#options;
    let total = [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [name, { bytes, pins }] of this.#entries) {
      if (total <= limitBytes) return;
      if (pins > 0 || this.#underWay.has(`sha256:${name.replace(PARTIAL, "")}`)) continue;
      this.#entries.delete(name);
      this.#checked.delete(`sha256:${name}`);
      await rm(join(directory, name), { force: true });
      total -= bytes;
    }
    if (total <= limitBytes) return;
    throw new AppError("product_unavailable", "the products in use are larger than this runner's cache", {
      details: { reason: "cache_full" },
    });
  }
}

function nameOf(digest: string): string {
  if (!isDigest(digest)) throw new AppError("product_unavailable");
  return digest.slice("sha256:".length);
}

async function isWhole(path: string, { bytes, digest }: ProductFile): Promise<boolean> {
  return (await stat(path)).size === bytes && (await sha256OfFile(path)) === digest;
}

async function resumeAt(partial: string, { bytes }: ProductFile): Promise<number> {
  const found = await stat(partial).catch(() => undefined);
  if (!found) return 0;
  if (found.size <= bytes) return found.size;
  await rm(partial);
  return 0;
}

/** A sender that does not stop must not fill the disk. */
function limitTo(bytes: number) {
  return async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let left = bytes;
    for await (const chunk of source) {
      left -= chunk.byteLength;
      if (left < 0) throw new AppError("product_unavailable", "a file is larger than its manifest says");
      yield chunk;
    }
  };
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}

/** What the control plane or the network failed at is no fault of the product, nor of the job. */
function failure(cause: unknown): AppError {
  if (isAppError(cause, "product_unavailable")) return cause;
  return new AppError("process_failed", "a file of a product could not be fetched", { cause });
}
