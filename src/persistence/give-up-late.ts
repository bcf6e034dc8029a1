import type pg from "pg";

/** A server that works closes a connection at once when it is told. */
const END_MS = 2_000;

/**
 * Makes a client give its connection up when a statement was not answered in time (`query_timeout`), or when its end was not.
 * INVARIANT: nothing runs on such a connection again: what comes late would be taken for the answer to something else, and a
 * transaction could still be open in it. One whose end nobody hears would stay for a quarter of an hour, and the process with it.
 */
export function giveUpLate<C extends pg.ClientBase & { end(): unknown }>(client: C): C {
  const query = client.query.bind(client) as Call;
  const end: Call = client.end.bind(client);
  const { connection } = client as unknown as WithStream;
  return Object.assign(client, {
    query: (...parameters: unknown[]) => {
      const answer = query(...parameters);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((error: unknown) => {
        if (isTimeout(error)) connection.stream.destroy();
        throw error;
      });
    },
    end: (...parameters: unknown[]) => {
      const timer = setTimeout(() => connection.stream.destroy(), END_MS).unref();
      connection.stream.once("close", () => clearTimeout(timer));
      return end(...parameters);
    },
  });
}

type Call = (...parameters: unknown[]) => unknown;

/** What the types of the driver do not name. */
interface WithStream {
  connection: { stream: { destroy(): void; once(event: "close", listener: () => void): void } };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}
