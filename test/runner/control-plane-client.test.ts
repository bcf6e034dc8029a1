import { createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { encodeFrame } from "#contract/frame.ts";
import { createControlPlaneClient } from "#runner/index.ts";
import { report } from "../jobs/staged-jobs.ts";

const LEASE = `lse_${"0".repeat(26)}`;
const JSON_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/** Takes every request and gives the answers in turn; undefined: none at all, as where a link is down. */
async function peer(t: Test, answers: (Buffer | string | undefined)[]) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      if (!chunk.includes("/runner/v1/")) return;
      const answer = answers.shift();
      if (answer !== undefined) socket.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  const client = createControlPlaneClient({
    origin: `http://127.0.0.1:${port}`,
    authorize: async () => "Bearer x",
    answerMs: 300,
  });
  t.teardown(async () => client[Symbol.asyncDispose]());
  return client;
}

function json(value: object): string {
  const text = JSON.stringify(value);
  return `${JSON_HEAD}content-length: ${text.length}\r\n\r\n${text}`;
}

t.test("whoever gets no answer asks again in time", async (t) => {
  const offers = encodeFrame({ offers: [] });
  const body = Buffer.concat(offers);
  const found = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`), body]);
  const client = await peer(t, [undefined, found, undefined, json({ cancel: false })]);
  const wish = { runner: "n1", kind: "jobs" as const, places: 1, waitMs: 400 };
  const signal = new AbortController().signal;
  const started = performance.now();
  await t.rejects(client.lease(wish, signal), { code: "UND_ERR_HEADERS_TIMEOUT" });
  t.ok(performance.now() - started >= 400, "what it waits for on purpose is not counted");
  t.strictSame(await client.lease(wish, signal), []);
  await t.rejects(client.heartbeat(LEASE), { code: "UND_ERR_HEADERS_TIMEOUT" });
  t.strictSame(await client.heartbeat(LEASE), { cancel: false });
  t.ok(performance.now() - started < 10_000);
});

t.test("a report is sent again until it is answered, and the answer says whether it counts", async (t) => {
  const client = await peer(t, [undefined, json({ accepted: true }), json({ accepted: false })]);
  const end = { report: report(), parts: [] };
  t.strictSame(await client.report(LEASE, end), { accepted: true, leased: [] });
  t.strictSame(await client.report(LEASE, end), { accepted: false, leased: [] });
});
