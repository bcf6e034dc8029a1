import type pg from "pg";
import { toDatabaseError } from "./database-error.ts";
import { NOTICE_LOST_MACHINE } from "./lost-machine.ts";

type Handler = (payload: string) => void;

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** One connection of its own for all LISTENs, made at the first and made again whenever it is lost. */
export class PostgresListener {
  readonly #createClient: () => pg.Client;
  readonly #handlers = new Map<string, Set<Handler>>();
  #connection: Promise<pg.Client> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(createClient: () => pg.Client) {
    this.#createClient = createClient;
  }

  async listen(channel: string, handler: Handler): Promise<() => Promise<void>> {
    const client = await this.#connect();
    const known = this.#handlers.get(channel) ?? new Set<Handler>();
    this.#handlers.set(channel, known.add(handler));
    if (known.size === 1) await client.query(`listen ${channel}`);
    return async () => {
      if (known.delete(handler) && known.size === 0) await this.#unlisten(channel);
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const client = await this.#connection?.catch(() => undefined);
    await client?.end();
  }

  async #unlisten(channel: string): Promise<void> {
    this.#handlers.delete(channel);
    if (!this.#connection || this.#closed) return;
    const client = await this.#connect();
    // Somebody may have begun to listen again while this waited.
    if (!this.#handlers.has(channel)) await client.query(`unlisten ${channel}`);
  }

  async #connect(): Promise<pg.Client> {
    this.#connection ??= this.#open();
    try {
      return await this.#connection;
    } catch (error) {
      this.#connection = undefined;
      throw toDatabaseError(error);
    }
  }

  async #open(): Promise<pg.Client> {
    const client = this.#createClient();
    client.on("notification", ({ channel, payload }) => {
      for (const handler of this.#handlers.get(channel) ?? []) handler(payload ?? "");
    });
    // A lost connection ends too; without a listener for its error the process would.
    client.on("error", () => {});
    client.once("end", () => {
      this.#connection = undefined;
      this.#scheduleRetry(FIRST_RETRY_MS);
    });
    await client.connect();
    await client.query(NOTICE_LOST_MACHINE);
    for (const channel of this.#handlers.keys()) await client.query(`listen ${channel}`);
    return client;
  }

  #scheduleRetry(delayMs: number): void {
    clearTimeout(this.#retry);
    if (this.#closed || this.#handlers.size === 0) return;
    const retry = () => {
      this.#connect().catch(() => this.#scheduleRetry(Math.min(delayMs * 2, MAX_RETRY_MS)));
    };
    this.#retry = setTimeout(retry, delayMs).unref();
  }
}
