import type { PGlite } from "@electric-sql/pglite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import { AppError } from "#kernel/errors.ts";
import { toDatabaseError } from "./database-error.ts";
import { createMutex, type Mutex } from "./mutex.ts";

/** Longest wait for the one connection: who holds it longer waits for itself (`db` used inside a transaction). */
const ACQUIRE_TIMEOUT_MS = 30_000;

/** PGlite's one connection, lent to one borrower at a time (a statement, a transaction, a LISTEN). */
export class EmbeddedConnection implements DatabaseConnection {
  readonly #pglite: PGlite;
  readonly #mutex: Mutex = createMutex(ACQUIRE_TIMEOUT_MS);

  constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  async acquire(): Promise<void> {
    await this.#mutex.acquire();
  }

  release(): void {
    this.#mutex.release();
  }

  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    await this.acquire();
    try {
      return await work();
    } catch (error) {
      throw toDatabaseError(error);
    } finally {
      this.release();
    }
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      return await this.#run<R>(query.sql, query.parameters);
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  // oxlint-disable-next-line require-yield -- Kysely's interface; nothing streams from an embedded database
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("the embedded database does not stream; read in pages");
  }

  /** COMMIT of a transaction that an error aborted is answered with ROLLBACK, not with an error. */
  async commit(): Promise<void> {
    const [result] = await this.#pglite.exec("commit");
    if (result?.command === "ROLLBACK") throw new Error("the transaction was rolled back instead of committed");
  }

  async close(): Promise<void> {
    if (!this.#pglite.closed) await this.exclusively(() => this.#pglite.close());
  }

  /** Like pg: a statement without parameters goes by the simple protocol, which takes several at once. */
  async #run<R>(text: string, parameters: readonly unknown[]): Promise<QueryResult<R>> {
    const result =
      parameters.length === 0
        ? (await this.#pglite.exec(text)).at(-1)
        : await this.#pglite.query<R>(text, [...parameters]);
    return { rows: (result?.rows ?? []) as R[], numAffectedRows: BigInt(result?.affectedRows ?? 0) };
  }
}

export class EmbeddedDialect implements Dialect {
  readonly #connection: EmbeddedConnection;

  constructor(connection: EmbeddedConnection) {
    this.#connection = connection;
  }

  createDriver(): Driver {
    return createDriver(this.#connection);
  }

  createQueryCompiler(): PostgresQueryCompiler {
    return new PostgresQueryCompiler();
  }

  createAdapter(): PostgresAdapter {
    return new PostgresAdapter();
  }

  createIntrospector(db: Kysely<unknown>): PostgresIntrospector {
    return new PostgresIntrospector(db);
  }
}

/**
 * Not Kysely's own PGlite driver (0.29): when BEGIN fails there, the caller waits for ever and the process gets
 * an unhandled rejection, and its errors carry the parameters.
 */
function createDriver(connection: EmbeddedConnection): Driver {
  const run = async (text: string) => {
    await connection.executeQuery(CompiledQuery.raw(text));
  };
  return {
    init: async () => {},
    acquireConnection: async () => {
      await connection.acquire();
      return connection;
    },
    releaseConnection: async () => connection.release(),
    beginTransaction: async (_, settings) => await run(beginText(settings)),
    commitTransaction: async () => await connection.commit(),
    rollbackTransaction: async () => await run("rollback"),
    destroy: async () => {},
  };
}

function beginText(settings: TransactionSettings): string {
  const level = settings.isolationLevel ? ` isolation level ${settings.isolationLevel}` : "";
  const access = settings.accessMode ? ` ${settings.accessMode}` : "";
  if (settings.isolationLevel === "snapshot") throw new AppError("internal", "PostgreSQL has no snapshot isolation");
  return `start transaction${level}${access}`;
}
