import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import t, { type Test } from "tap";
import type { ProductFile } from "#contract/product.ts";
import { sha256 } from "#kernel/digest.ts";
import { openStorage, type Storage } from "#persistence/index.ts";
import { PIECE_BYTES } from "../../src/persistence/sealed-file.ts";
import { S3_CREDENTIALS, type S3Server, startS3Server } from "./s3-server.ts";

// the standard chain of the SDK reads them here; a proxy of the machine is not for loopback
Object.assign(process.env, S3_CREDENTIALS, { AWS_EC2_METADATA_DISABLED: "true" });

interface Stage {
  server: S3Server;
  storage: Storage;
  dataDirectory: string;
  reopen(keyFile?: string): Promise<Storage>;
}

async function stage(t: Test): Promise<Stage> {
  const server = await startS3Server(t);
  const dataDirectory = mkdtempSync(join(tmpdir(), "sluice-storage-"));
  t.teardown(() => rmSync(dataDirectory, { recursive: true, force: true }));
  const keyFile = join(dataDirectory, "given.key");
  writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  const reopen = async (path = keyFile) => {
    const { endpoint, bucket } = server;
    const place = { kind: "s3" as const, bucket, prefix: "city/", region: "us-east-1", endpoint, pathStyle: true };
    const storage = await openStorage({ place, dataDirectory, key: { kind: "file", path, given: true } });
    t.teardown(async () => storage[Symbol.asyncDispose]());
    return storage;
  };
  return { server, dataDirectory, reopen, storage: await reopen() };
}

function writeProduct({ dataDirectory }: Stage, files: Record<string, Buffer>): ProductFile[] {
  const directory = join(dataDirectory, "products", "people", "pv_1");
  mkdirSync(directory, { recursive: true });
  return Object.entries(files).map(([path, bytes]) => {
    writeFileSync(join(directory, path), bytes);
    return { path, columns: [], bytes: bytes.byteLength, digest: sha256(bytes) };
  });
}

const DIRECTORY = "products/people/pv_1";

async function read({ products }: Storage, file: ProductFile, start = 0): Promise<Buffer> {
  const stream: Readable = await products.open({ directory: DIRECTORY, file }, start);
  return buffer(stream);
}

t.test("an object comes back as it was, is stored once, and the storage sees none of it", async (t) => {
  const { storage, server, reopen } = await stage(t);
  const secret = Buffer.from("district,n\n鹿城,42\n");
  const digest = await storage.objects.put(secret);
  t.equal(digest, sha256(secret));
  t.equal(await storage.objects.put(secret), digest);
  t.strictSame(Buffer.from(await storage.objects.get(digest)), secret);
  t.strictSame(Buffer.from(await (await reopen()).objects.get(digest)), secret, "from another replica");
  for (const { bytes } of server.kept()) t.notOk(bytes.includes("鹿城"));
  await t.rejects(storage.objects.get(sha256("other")), { code: "object_missing" });
  await t.rejects(storage.objects.get("../../etc/passwd"), { code: "object_missing" });
});

t.test("an object that nothing needs goes, in two steps; one that was stored meanwhile stays", async (t) => {
  const { storage, server } = await stage(t);
  const { objects } = storage;
  const [kept, gone] = [await objects.put(Buffer.from("kept")), await objects.put(Buffer.from("gone"))];
  const all = async () => {
    const found: string[] = [];
    for await (const digest of objects.list()) found.push(digest);
    return found.toSorted();
  };
  t.strictSame(await all(), [kept, gone].toSorted());
  t.equal(await objects.remove(gone, Date.now() - 86_400_000), false, "it is young");
  const later = () => Date.now() + 5000;
  t.equal(await objects.remove(gone, later()), true);
  t.equal(Buffer.from(await objects.get(gone)).toString(), "gone", "somebody may have stored it in that moment");
  t.equal(await objects.remove(gone, later()), true);
  t.equal(await objects.remove(gone, Date.now() - 86_400_000), false, "aside it stays as long");
  t.strictSame(await all(), [kept, gone].toSorted());
  await objects.remove(gone, later());
  await t.rejects(objects.get(gone), { code: "object_missing" });
  t.strictSame(await all(), [kept]);
  t.equal(server.kept().filter(({ bytes }) => bytes.subarray(0, 8).equals(Buffer.from("SLUICE1\n"))).length, 1);
});

t.test("a changed object and another key are found out", async (t) => {
  const { storage, server, dataDirectory, reopen } = await stage(t);
  const digest = await storage.objects.put(Buffer.from("a result"));
  const other = join(dataDirectory, "other.key");
  writeFileSync(other, randomBytes(32), { mode: 0o600 });
  const stranger = await reopen(other);
  await t.rejects(stranger.objects.get(digest), { code: "object_missing" });
  t.not(stranger.keyCheck, storage.keyCheck);
  for (const { path, bytes } of server.kept()) {
    if (!bytes.subarray(0, 8).equals(Buffer.from("SLUICE1\n"))) continue;
    bytes[bytes.byteLength - 1]! ^= 1;
    server.overwrite(path, bytes);
  }
  await t.rejects(storage.objects.get(digest), { code: "object_missing" });
});

t.test("files of products are sealed piece by piece, and are read from any place on", async (t) => {
  const at = await stage(t);
  const sizes = { empty: 0, small: 1000, piece: PIECE_BYTES, large: PIECE_BYTES * 2 + 12_345 };
  const contents = Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => [`${name}.arrow`, randomBytes(size)]),
  );
  const files = writeProduct(at, contents);
  await at.storage.products.keep({ directory: DIRECTORY, files });
  await at.storage.products.keep({ directory: DIRECTORY, files });
  for (const file of files) {
    const whole = contents[file.path]!;
    t.ok((await read(at.storage, file)).equals(whole), file.path);
    for (const start of [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 7, file.bytes - 1].filter(
      (n) => n >= 0 && n < file.bytes,
    )) {
      t.ok((await read(at.storage, file, start)).equals(whole.subarray(start)), `${file.path} from ${start}`);
    }
  }
  const small = contents["small.arrow"]!;
  for (const { bytes } of at.server.kept()) t.notOk(bytes.includes(small.subarray(100, 200)));
});

t.test("a file that is not what its manifest says is not kept; one that was changed later is not read", async (t) => {
  const at = await stage(t);
  const [file] = writeProduct(at, { "a.arrow": randomBytes(5000) });
  writeFileSync(join(at.dataDirectory, DIRECTORY, "a.arrow"), randomBytes(5000));
  const version = { directory: DIRECTORY, files: [file!] };
  await t.rejects(at.storage.products.keep(version), { code: "bad_arrow_file" });
  await t.rejects(read(at.storage, file!), { code: "object_missing" });
  const [good] = writeProduct(at, { "a.arrow": randomBytes(5000) });
  await at.storage.products.keep({ directory: DIRECTORY, files: [good!] });
  for (const { path, bytes } of at.server.kept()) {
    if (!bytes.subarray(0, 8).equals(Buffer.from("SLUICEF1"))) continue;
    bytes[60]! ^= 1;
    at.server.overwrite(path, bytes);
  }
  await t.rejects(read(at.storage, good!), { code: "object_missing" });
  const outside = { ...good!, path: "../../../etc/passwd" };
  await t.rejects(at.storage.products.keep({ directory: DIRECTORY, files: [outside] }), { code: "object_missing" });
});

t.test("a storage that does not answer is told as that", { timeout: 60_000 }, async (t) => {
  const { storage, server } = await stage(t);
  const digest = await storage.objects.put(Buffer.from("kept"));
  await server.stop();
  await t.rejects(storage.objects.get(digest), { code: "storage_unavailable" });
  await t.rejects(storage.objects.put(Buffer.from("new")), { code: "storage_unavailable" });
});

t.test("the key comes from a file or a program, and is refused when it is unsafe", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-key-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const place = { kind: "directory" as const };
  const key = randomBytes(32);
  const program = join(directory, "key-program");
  writeFileSync(program, `#!/bin/sh\necho ${key.toString("base64")}\n`, { mode: 0o700 });
  const wrong = join(directory, "wrong-program");
  writeFileSync(wrong, "#!/bin/sh\necho c2hvcnQ=\n", { mode: 0o700 });
  const wide = join(directory, "wide.key");
  writeFileSync(wide, key, { mode: 0o644 });
  const file = join(directory, "good.key");
  writeFileSync(file, key, { mode: 0o600 });
  const open = async (source: Parameters<typeof openStorage>[0]["key"]) =>
    openStorage({ place, dataDirectory: join(directory, "data"), key: source });
  const byProgram = await open({ kind: "command", path: program });
  t.equal(byProgram.keyCheck, (await open({ kind: "file", path: file, given: true })).keyCheck);
  t.strictSame(readFileSync(file), key);
  for (const source of [
    { kind: "command" as const, path: wrong },
    { kind: "command" as const, path: join(directory, "absent") },
    { kind: "file" as const, path: wide, given: true },
    { kind: "file" as const, path: join(directory, "absent.key"), given: true },
  ]) {
    await t.rejects(open(source), { code: "configuration_invalid" }, source.path);
  }
});
