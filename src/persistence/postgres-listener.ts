import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { toDatabaseError } from "./database-error.ts";

type Handler = (payload: string) => void;

export interface Listener {
  listen(channel: string, handler: Handler): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** One connection of its own for all LISTENs, made at the first and made again whenever it is lost. */
export function createListener(createClient: () => pg.Client): Listener {
  const handlers = new Map<string, Set<Handler>>();
  const closed = new AbortController();
  let current: Promise<pg.Client> | undefined;

  const connect = async (): Promise<pg.Client> => {
    const client = createClient();
    client.on("notification", ({ channel, payload }) => {
      for (const handler of handlers.get(channel) ?? []) handler(payload ?? "");
    });
    client.on("error", () => {});
    client.once("end", () => {
      current = undefined;
      if (!closed.signal.aborted && handlers.size > 0) void reconnect();
    });
    await client.connect();
    for (const channel of handlers.keys()) await client.query(`listen ${channel}`);
    return client;
  };

  const client = async (): Promise<pg.Client> => {
    current ??= connect();
    try {
      return await current;
    } catch (error) {
      current = undefined;
      throw toDatabaseError(error);
    }
  };

  const reconnect = async (): Promise<void> => {
    for (let delayMs = FIRST_RETRY_MS; !closed.signal.aborted; delayMs = Math.min(delayMs * 2, MAX_RETRY_MS)) {
      try {
        await sleep(delayMs, undefined, { signal: closed.signal, ref: false });
        await client();
        return;
      } catch {
        // Still unreachable, or closed: the loop's condition decides. Queries report the outage.
      }
    }
  };

  return {
    listen: async (channel, handler) => {
      const connection = await client();
      const known = handlers.get(channel) ?? new Set<Handler>();
      handlers.set(channel, known.add(handler));
      if (known.size === 1) await connection.query(`listen ${channel}`);
      return async () => {
        if (!known.delete(handler) || known.size > 0) return;
        handlers.delete(channel);
        if (current && !closed.signal.aborted) await (await client()).query(`unlisten ${channel}`);
      };
    },
    close: async () => {
      closed.abort();
      if (current) await current.then((open) => open.end()).catch(() => {});
    },
  };
}
