import { sql } from "kysely";
import { openEmbedded } from "./embedded.ts";
import type { NameClaim } from "./postgres-claim.ts";
import { openPostgres, type PostgresOptions } from "./postgres.ts";
import type { Database, Transaction } from "./schema.ts";

export type DatabaseOptions =
  /** PGlite in `directory` (made when absent); one process at a time, else AppError `configuration_invalid`. */
  { kind: "embedded"; directory: string } | ({ kind: "postgres" } & PostgresOptions);

/** An open database; disposing closes it and gives the directory free. */
export interface DatabaseHandle extends AsyncDisposable {
  readonly db: Database;
  readonly kind: DatabaseOptions["kind"];
  /** Tells the listeners of `channel`, in every process, when and only when `tx` commits. */
  readonly notify: (tx: Transaction, channel: string, payload: string) => Promise<void>;
  /**
   * Calls `handler` with each payload until the returned function is called. Notifications can get lost with
   * the connection (it is made again by itself): a hint to look, never the only way to learn of something.
   */
  readonly listen: (channel: string, handler: (payload: string) => void) => Promise<() => Promise<void>>;
  /**
   * Of PostgreSQL: holds a name for as long as this process lives. Answers how to give it back, or undefined when another process
   * has it. An embedded database is one process's, by its lock.
   */
  readonly claimName?: (claim: NameClaim) => Promise<(() => Promise<void>) | undefined>;
  /**
   * Of an embedded database: copies it as it is at one moment, so that the copy can be opened like any. Statements wait for as
   * long as the files are copied. PostgreSQL needs none: a transaction there has its snapshot beside others.
   */
  readonly copyTo?: (directory: string) => Promise<void>;
}

/** What each kind of database must bring; the rest of the handle is the same for both. */
export interface OpenedDatabase {
  db: Database;
  listen: DatabaseHandle["listen"];
  copyTo?: DatabaseHandle["copyTo"];
  claimName?: DatabaseHandle["claimName"];
  close: () => Promise<void>;
}

const CHANNEL = /^[a-z_]{1,60}$/;

/** Opens the database and makes one round trip; AppError `database_unavailable` when there is no answer. */
export async function openDatabase(options: DatabaseOptions): Promise<DatabaseHandle> {
  const opened = options.kind === "embedded" ? await openEmbedded(options.directory) : await openPostgres(options);
  let closing: Promise<void> | undefined;
  return {
    db: opened.db,
    kind: options.kind,
    notify: async (tx, channel, payload) => {
      await sql`select pg_notify(${requireChannel(channel)}, ${payload})`.execute(tx);
    },
    listen: async (channel, handler) => await opened.listen(requireChannel(channel), handler),
    ...(opened.claimName ? { claimName: opened.claimName } : {}),
    ...(opened.copyTo ? { copyTo: opened.copyTo } : {}),
    [Symbol.asyncDispose]: async () => await (closing ??= opened.close()),
  };
}

/** LISTEN takes no parameter, so the name is checked. */
function requireChannel(channel: string): string {
  if (!CHANNEL.test(channel)) throw new Error("a channel is named with a-z and _");
  return channel;
}
