import type pg from "pg";

/**
 * Makes a client give its connection up when a statement was not answered in time (`query_timeout`). INVARIANT: nothing runs on
 * such a connection again: what comes late would be taken for the answer to something else, and a transaction could still be
 * open in it.
 */
export function giveUpLate(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
  Object.assign(client, {
    query: (...parameters: unknown[]) => {
      const answer = query(...parameters);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((error: unknown) => {
        if (isTimeout(error)) (client as unknown as WithStream).connection.stream.destroy();
        throw error;
      });
    },
  });
}

/** What the types of the driver do not name. */
interface WithStream {
  connection: { stream: { destroy(): void } };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}
