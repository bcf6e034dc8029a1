/** A neighbouring system on loopback: takes deliveries, checks their signatures, and answers as it is told. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Test } from "tap";
import type { WebhookMessage } from "#contract/webhook.ts";

export interface Received {
  id: string;
  message: WebhookMessage;
  body: string;
  /** Whether a key that the receiver holds has signed it. */
  verified: boolean;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** `whsec_…` */
  secret: string;
  /** Status of the next answers; 204 otherwise. */
  answer: (received: Received) => { status: number; location?: string };
}

export async function startReceiver(t: Test): Promise<Receiver> {
  const receiver: Receiver = { url: "", received: [], secret: "", answer: () => ({ status: 204 }) };
  const server = createServer((request, response) => {
    const take = async () => {
      const body = await read(request);
      const received = { ...parse(request, body), verified: verify(request, body, receiver.secret) };
      receiver.received.push(received);
      const { status, location } = receiver.answer(received);
      response.writeHead(status, location === undefined ? {} : { location }).end("an answer that nobody reads");
    };
    take().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?from=sluice`;
  return receiver;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(request: IncomingMessage, body: string): Omit<Received, "verified"> {
  return { id: String(request.headers["webhook-id"]), message: JSON.parse(body) as WebhookMessage, body };
}

/** As the Standard Webhooks libraries do it. */
function verify({ headers }: IncomingMessage, body: string, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  const expected = Buffer.from(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
  const given = Buffer.from(String(headers["webhook-signature"]));
  const fresh = Math.abs(Date.now() / 1000 - Number(headers["webhook-timestamp"])) < 400 * 86_400;
  return fresh && given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
}
