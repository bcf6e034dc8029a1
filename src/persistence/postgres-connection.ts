import { CompiledQuery, type DatabaseConnection, type QueryResult } from "kysely";
import { RUN_AGAIN, toDatabaseError } from "./database-error.ts";
import { isLast } from "./last-statement.ts";

const COMMIT = CompiledQuery.raw("commit");

type Execute = (query: CompiledQuery) => Promise<QueryResult<unknown>>;

/**
 * Makes a connection as we want it: its errors carry no row values, and fewer messages go to and fro. A `begin` waits for no
 * answer of its own, and the last statement of a transaction is sent together with its commit (`executeLast`).
 */
export function refineConnection(connection: DatabaseConnection): void {
  const session = createSession(connection.executeQuery.bind(connection));
  connection.executeQuery = async <R>(query: CompiledQuery) => {
    try {
      return (await session(query)) as QueryResult<R>;
    } catch (error) {
      throw toDatabaseError(error);
    }
  };
}

function createSession(execute: Execute): Execute {
  let isOpen = false;
  /** The answer to `begin`, until a statement has waited for it. */
  let begun: Promise<unknown> | undefined;
  /** The answer to a commit that was sent with the last statement. */
  let ended: Promise<QueryResult<unknown>> | undefined;
  const begin = (query: CompiledQuery) => {
    isOpen = true;
    begun = execute(query);
    // whoever sends the next statement is told
    begun.catch(() => undefined);
    return NOTHING;
  };
  const end = async (query: CompiledQuery) => {
    isOpen = false;
    const answer = ended ?? execute(query);
    ended = undefined;
    // of a connection that broke the `begin` tells first
    answer.catch(() => undefined);
    const opened = begun;
    begun = undefined;
    await opened;
    return answer;
  };
  const last = async (query: CompiledQuery) => {
    const answer = execute(query);
    ended = execute(COMMIT);
    // its answer comes in any case before the connection is given back
    const [result] = await Promise.all([answer, ended]).catch(async (error: unknown) => {
      await ended?.catch(() => undefined);
      throw error;
    });
    return result;
  };
  return async (query) => {
    if (/^(begin|start transaction)\b/.test(query.sql)) return begin(query);
    if (query.sql === "commit" || query.sql === "rollback") return end(query);
    if (ended) throw new Error("a statement came after the last one of its transaction");
    if (isOpen && isLast(query)) return last(query);
    if (!isOpen) return execute(query).catch(async (error: unknown) => againIfOutOfDate(error, execute, query));
    const [result] = await Promise.all([execute(query), begun]);
    begun = undefined;
    return result;
  };
}

const NOTHING: QueryResult<unknown> = { rows: [] };

/** Within a transaction nothing goes on after an error: `inTransaction` runs it again as a whole. */
async function againIfOutOfDate(error: unknown, execute: Execute, query: CompiledQuery): Promise<QueryResult<unknown>> {
  if ((error as { code?: unknown }).code !== RUN_AGAIN) throw error;
  return execute(query);
}
