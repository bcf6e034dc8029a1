/** Inside the box: says what it can see and write, then, locked like any other, does what it is told to. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { encodeFrame, FrameDecoder } from "../../src/contract/frame.ts";
import { takeLock } from "../../src/bin/self-lock.ts";

const lock = takeLock();
const input = new Socket({ fd: 3, readable: true, writable: false });
const output = new Socket({ fd: 4, readable: false, writable: true });
const say = async (header: Record<string, unknown>): Promise<void> =>
  new Promise((done) => output.write(Buffer.concat(encodeFrame(header)), () => done()));

/** What can be done, or the code of the refusal. */
function attempt(work: () => unknown): string {
  try {
    work();
    return "done";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    return `refused ${(error as NodeJS.ErrnoException).code}`;
  }
}

function look({ read, write }: { read: string[]; write: string[] }): Record<string, unknown> {
  const numbers =
    attempt(() => readdirSync("/proc")) === "done" ? readdirSync("/proc").filter((name) => +name > 0) : [];
  return {
    op: "looked",
    environment: Object.keys(process.env).toSorted(),
    environs: ["/proc/self/environ", "/proc/1/environ", "/proc/2/environ"].map(text).join("\n"),
    read: Object.fromEntries(read.map((path) => [path, attempt(() => readAny(path))])),
    write: Object.fromEntries(write.map((path) => [path, attempt(() => writeFileSync(path, "x", { flag: "a" }))])),
    processes: numbers,
    status: text("/proc/self/status"),
    mountedAs: { uid: process.getuid?.(), pid: process.pid },
  };
}

function readAny(path: string): void {
  try {
    readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EISDIR") throw error;
    readdirSync(path);
  }
}

async function dial(options: { path: string } | { host: string; port: number }): Promise<string> {
  return new Promise((done) => {
    const socket = connect(options, () => done("connected"));
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? "error"));
  });
}

const DEEDS: Record<string, (port: number) => unknown> = {
  program: () => spawnSync(process.execPath, ["--version"]),
  open: () => attempt(() => readFileSync("/proc/self/stat")),
  tcp: async (port) => dial({ host: "127.0.0.1", port }),
  // as a path, the first byte NUL: a name that no file system holds
  abstract: async () => dial({ path: "\0sluice-test-abstract" }),
  interfaces: () => Object.keys(networkInterfaces()),
  memory: () => {
    const held: Buffer[] = [];
    for (;;) held.push(Buffer.alloc(16 * 1024 * 1024, 1));
  },
  spin: () => {
    for (;;);
  },
  rest: () => "done",
};

await say({ op: "ready", role: "probe", pid: process.pid });
const decoder = new FrameDecoder();
for await (const chunk of input) {
  for (const { header } of decoder.push(chunk as Uint8Array)) {
    if (header["op"] === "look") await say(look(header as unknown as { read: string[]; write: string[] }));
    if (header["op"] !== "do") continue;
    lock();
    const answer = await DEEDS[header["deed"] as string]!(Number(header["port"]));
    await say({ op: "did", answer: answer ?? null });
  }
}
