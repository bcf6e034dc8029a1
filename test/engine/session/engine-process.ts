/** The real engine process, asked over its pipes. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Duplex } from "node:stream";
import { encodeFrame, FrameDecoder, type Frame } from "#contract/frame.ts";

const ENTRY = fileURLToPath(new URL("../../../src/bin/engine.ts", import.meta.url));

export interface EngineProcess extends AsyncDisposable {
  ready: Frame;
  ended: Promise<number | null>;
  ask(header: Record<string, unknown>, parts?: Uint8Array[]): Promise<Frame>;
  sendRaw(bytes: Uint8Array): void;
  /** As the supervisor ends a process that does not answer. */
  kill(): Promise<void>;
}

export async function startEngine(): Promise<EngineProcess> {
  const child = spawn(process.execPath, ["--no-node-snapshot", ENTRY], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    env: {},
  });
  const input = child.stdio[3] as unknown as Duplex;
  const output = child.stdio[4] as unknown as Duplex;
  const decoder = new FrameDecoder();
  const waiting = new Map<unknown, (frame: Frame) => void>();
  const greeted = Promise.withResolvers<Frame>();
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  output.on("data", (chunk: Buffer) => {
    for (const frame of decoder.push(chunk)) {
      if (frame.header["op"] === "ready") greeted.resolve(frame);
      else waiting.get(frame.header["id"])?.(frame);
    }
  });
  input.on("error", () => undefined);
  return {
    ready: await greeted.promise,
    ended,
    ask: (header, parts = []) =>
      new Promise((resolve) => {
        waiting.set(header["id"], resolve);
        for (const piece of encodeFrame(header, parts)) input.write(piece);
      }),
    sendRaw: (bytes) => void input.write(bytes),
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
    async [Symbol.asyncDispose]() {
      input.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
      await ended;
      clearTimeout(timer);
    },
  };
}
