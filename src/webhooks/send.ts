import { lookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { Agent } from "undici";
import { checkEndpoint, type EndpointRules, isForbidden } from "./endpoint.ts";
import { sign } from "./secret.ts";

export interface Outgoing {
  url: string;
  id: string;
  body: string;
  key: Buffer;
  nowMs: number;
  stop: AbortSignal;
}

/** Sends one message. Answers undefined when it was taken, else `status_<n>` or a code of what failed. */
export interface Sender extends AsyncDisposable {
  send(outgoing: Outgoing): Promise<string | undefined>;
}

const TIMEOUT_MS = 10_000;

/**
 * Redirects are not followed, and the address that a name leads to is looked at again when the connection is made: a
 * name that was allowed must not lead back to this machine.
 */
export function createSender(rules: EndpointRules): Sender {
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS, lookup: guardedLookup(rules) },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    connections: 2,
  });
  return {
    send: async (outgoing) => {
      if (checkEndpoint(outgoing.url, rules) !== undefined) return "endpoint_refused";
      try {
        return await post(agent, outgoing);
      } catch (error) {
        return codeOf(error, outgoing.stop);
      }
    },
    [Symbol.asyncDispose]: async () => agent.destroy(),
  };
}

async function post(agent: Agent, { url, id, body, key, nowMs, stop }: Outgoing): Promise<string | undefined> {
  const seconds = Math.floor(nowMs / 1000);
  const { origin, pathname, search } = new URL(url);
  const { statusCode, body: answer } = await agent.request({
    origin,
    path: pathname + search,
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "sluice-webhook/1",
      "webhook-id": id,
      "webhook-timestamp": String(seconds),
      "webhook-signature": sign(key, { id, seconds, body }),
    },
    body,
    signal: AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  // what it says is not looked at
  await answer.dump({ limit: 64 * 1024 });
  return statusCode >= 200 && statusCode < 300 ? undefined : `status_${statusCode}`;
}

function guardedLookup({ development }: EndpointRules): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const allowed = addresses?.filter(({ address }) => development || !isForbidden(address)) ?? [];
      const [first] = allowed;
      if (error || !first) return done(error ?? refusal(), "", 0);
      return options.all === true ? done(null, allowed) : done(null, first.address, first.family);
    });
  };
}

function refusal(): NodeJS.ErrnoException {
  return Object.assign(new Error("the name leads to an address that nothing is sent to"), { code: "ESLUICE_REFUSED" });
}

/** A code of the closed list: an error's message could carry what the other side said. */
function codeOf(error: unknown, stop: AbortSignal): string {
  if (stop.aborted) return "stopped";
  const { code = "", name = "" } = error as { code?: string; name?: string };
  if (code === "ESLUICE_REFUSED") return "endpoint_refused";
  if (name === "TimeoutError" || /TIMEOUT|ETIMEDOUT/.test(code)) return "timed_out";
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) return "tls_failed";
  if (/ENOTFOUND|EAI_AGAIN/.test(code)) return "name_not_found";
  return "not_reachable";
}
