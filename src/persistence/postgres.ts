import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresDialect,
  PostgresDriver,
  sql,
} from "kysely";
import pg from "pg";
import { toDatabaseError } from "./database-error.ts";
import { giveUpLate } from "./give-up-late.ts";
import type { OpenedDatabase } from "./open-database.ts";
import { claimName } from "./postgres-claim.ts";
import { NOTICE_LOST_MACHINE } from "./lost-machine.ts";
import { PostgresListener } from "./postgres-listener.ts";
import { refineConnection } from "./postgres-connection.ts";
import { createStatementNames, preparingClient } from "./kept-statements.ts";
import type { Schema } from "./schema.ts";
import { valueParsers } from "./value-types.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_POOL_SIZE = 10;
const STATEMENT_TIMEOUT_MS = 15_000;
const GRACE_MS = 5_000;
/** A connection on which nothing is said is asked after so long whether the other machine is there; then ten times, a second apart. */
const KEEP_ALIVE_MS = 5_000;

export interface PostgresOptions {
  url: string;
  poolSize?: number;
  /** After so long the server ends a statement, and soon after nobody waits for it any more; 0: never. Default 15 seconds. */
  statementTimeoutMs?: number;
}

export async function openPostgres(options: PostgresOptions): Promise<OpenedDatabase> {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options;
  const connect = connectionTo(options.url, statementTimeoutMs);
  const pool = openPool(connect, options.poolSize ?? DEFAULT_POOL_SIZE);
  const db = new Kysely<Schema>({
    dialect: new QuietPostgresDialect({
      pool,
      onCreateConnection: async (connection) => setUpSession(connection, statementTimeoutMs),
    }),
  });
  const createClient = (name: string) => giveUpLate(new pg.Client({ ...connect, application_name: name }));
  const listener = new PostgresListener(() => createClient("sluice-listen"));
  const opened: OpenedDatabase = {
    db,
    claimName: async (claim) => claimName(() => createClient("sluice-name"), claim),
    listen: async (channel, handler) => await listener.listen(channel, handler),
    close: async () => {
      await listener.close();
      await db.destroy();
    },
  };
  try {
    await sql`select 1`.execute(db);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return opened;
}

function connectionTo(url: string, statementTimeoutMs: number): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types: { getTypeParser },
    // a server that works ends the statement itself; this is for one that does not
    query_timeout: statementTimeoutMs + Math.min(statementTimeoutMs, GRACE_MS),
  };
}

function openPool(connect: pg.ClientConfig, max: number): pg.Pool {
  const Client = preparingClient(createStatementNames());
  const pool = new pg.Pool({ ...connect, Client, max, application_name: "sluice" });
  // Broken connections fail their statements, and the pool drops them; without listeners the process would end.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", () => {});
    giveUpLate(client);
  });
  return pool;
}

const parserOfDriver = pg.types.getTypeParser as (oid: number) => (text: string) => unknown;

function getTypeParser(oid: number, format?: string): (text: string) => unknown {
  if (format === "binary") throw new Error("results are read in text form");
  return valueParsers[oid] ?? parserOfDriver(oid);
}

const SESSION = `
  ${NOTICE_LOST_MACHINE};
  set datestyle to 'ISO'; set timezone to 'UTC'; set bytea_output to 'hex';
  set idle_in_transaction_session_timeout to '60s'`;

/** `value-types.ts` reads ISO texts in UTC; a transaction left open by a fault must not hold locks for ever. */
async function setUpSession(connection: DatabaseConnection, statementTimeoutMs: number): Promise<void> {
  refineConnection(connection);
  await connection.executeQuery(CompiledQuery.raw(`${SESSION}; set statement_timeout to ${statementTimeoutMs}`));
}

class QuietPostgresDialect extends PostgresDialect {
  readonly #config: ConstructorParameters<typeof PostgresDialect>[0];

  constructor(config: ConstructorParameters<typeof PostgresDialect>[0]) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new QuietPostgresDriver(this.#config);
  }
}

class QuietPostgresDriver extends PostgresDriver {
  override async acquireConnection(
    ...parameters: Parameters<PostgresDriver["acquireConnection"]>
  ): Promise<DatabaseConnection> {
    try {
      return await super.acquireConnection(...parameters);
    } catch (error) {
      throw toDatabaseError(error);
    }
  }
}
