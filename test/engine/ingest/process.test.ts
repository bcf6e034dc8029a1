import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import t from "tap";
import { encodeFrame, FrameDecoder } from "#contract/frame.ts";
import { columns, sourceFile, temporaryDirectory } from "./versions.ts";

const ENTRY = resolve(import.meta.dirname, "../../../src/bin/ingest.ts");

function start(): { child: ChildProcess; input: Writable; headers: Record<string, unknown>[] } {
  const child = spawn(process.execPath, ["--no-node-snapshot", ENTRY], {
    env: {},
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
  });
  const headers: Record<string, unknown>[] = [];
  const decoder = new FrameDecoder();
  (child.stdio[4] as Readable).on("data", (chunk: Buffer) => {
    headers.push(...decoder.push(chunk).map((frame) => frame.header));
  });
  const input = child.stdio[3] as Writable;
  input.on("error", () => undefined);
  return { child, input, headers };
}

function send(input: Writable, header: Record<string, unknown>): void {
  input.write(Buffer.concat(encodeFrame(header)));
}

t.test("the process greets, ingests, reports and ends", async (t) => {
  const { child, input, headers } = start();
  const directory = join(temporaryDirectory(t), "v1");
  const spec = {
    id: "x",
    source: sourceFile(t, "a.csv", "a,b\n1,2\n"),
    grade: "L1",
    columns: columns({ a: "public" }),
  };
  send(input, { op: "ingest", id: 7, spec, directory });
  const [code] = (await once(child, "close")) as [number];
  t.equal(code, 0);
  t.match(headers[0], { op: "ready", role: "ingest", pid: child.pid });
  const answer = headers.at(-1)!;
  t.match(answer, { op: "ingested", id: 7, ok: true, manifest: { rowCount: 1 }, manifestDigest: /^sha256:/ });
  t.same(readdirSync(directory).toSorted(), ["dimensions.arrow", "manifest.json"]);
});

t.test("a failure is told by code, row and column", async (t) => {
  const { child, input, headers } = start();
  const parent = temporaryDirectory(t);
  const spec = {
    id: "x",
    source: sourceFile(t, "a.csv", "a\n1\nSECRET\n"),
    grade: "L1",
    columns: columns({ a: "measure" }),
  };
  send(input, { op: "ingest", id: 1, spec, directory: join(parent, "v1") });
  const stderr: Buffer[] = [];
  child.stderr!.on("data", (chunk: Buffer) => stderr.push(chunk));
  await once(child, "close");
  t.match(headers.at(-1), { op: "ingested", id: 1, ok: false, error: { code: "ingest_failed", row: 2, column: "a" } });
  t.notOk(`${JSON.stringify(headers)}${Buffer.concat(stderr).toString()}`.includes("SECRET"));
  t.same(readdirSync(parent), []);
});

t.test("a frame that is no ingest is refused, and a closed input ends the process", async (t) => {
  const wrong = start();
  send(wrong.input, { op: "query", id: 3 });
  await once(wrong.child, "close");
  t.match(wrong.headers.at(-1), { op: "ingested", id: 3, ok: false, error: { code: "frame_invalid" } });
  const closed = start();
  closed.input.end();
  await once(closed.child, "close");
  t.equal(closed.child.exitCode, 1);
});
