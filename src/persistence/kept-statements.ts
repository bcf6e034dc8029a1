import type { Writable } from "node:stream";
import pg from "pg";
import { RUN_AGAIN } from "./database-error.ts";

/** A text gets a name at this use of it; texts that vary with their rows are rarely seen so often. */
const NAMED_AT_USE = 3;
/** Most names: each costs every connection some memory on the server. */
const MAX_NAMES = 500;
/** Most texts that are counted; then counting starts anew. */
const MAX_COUNTED = 2_000;

/** Names of the statements of this process: the same on all of its connections. */
export interface StatementNames {
  /** The name under which a text is kept by the server; undefined while it is not worth one. */
  nameOf(text: string): string | undefined;
  /** Gives the text another name: what is kept under the old one is of no use any more. */
  rename(text: string): void;
}

export function createStatementNames(): StatementNames {
  const uses = new Map<string, number>();
  const names = new Map<string, string>();
  let given = 0;
  const give = (text: string) => {
    given += 1;
    const name = `s${given}`;
    names.set(text, name);
    return name;
  };
  return {
    nameOf: (text) => {
      const known = names.get(text);
      if (known !== undefined || names.size >= MAX_NAMES) return known;
      const use = (uses.get(text) ?? 0) + 1;
      if (use >= NAMED_AT_USE) {
        uses.delete(text);
        return give(text);
      }
      if (uses.size >= MAX_COUNTED) uses.clear();
      uses.set(text, use);
      return undefined;
    },
    rename: (text) => {
      if (names.has(text)) give(text);
    },
  };
}

/** The answer to a kept statement whose rows have another shape now: a newer version of the program changed a table. */
const STALE = { code: "0A000", routine: "RevalidateCachedQuery" };
/**
 * A client that lets the server keep statements that come again and again: parsing and planning one costs more than running
 * it, for most of ours. The server plans anew by itself when a table changes, or what is known of it. Statements that are
 * given at the same time are sent at once, in their order.
 */
export function preparingClient(names: StatementNames): typeof pg.Client {
  return class PreparingClient extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super({ ...(typeof config === "string" ? { connectionString: config } : config), ...PIPELINE });
    }

    // all the driver's overloads: only text with values, as Kysely sends it, is of interest
    override query(...given: unknown[]): never {
      gather(this);
      const [text, values] = given;
      const isStatement = typeof text === "string" && Array.isArray(values) && values.length > 0 && given.length === 2;
      const name = isStatement ? names.nameOf(text) : undefined;
      if (name === undefined) return (super.query as (...all: unknown[]) => unknown)(...given) as never;
      return super.query({ name, text: text as string, values: values as unknown[] }).catch((error: unknown) => {
        if (!isStale(error)) throw error;
        names.rename(text as string);
        throw Object.assign(new Error("a kept statement is out of date"), { code: RUN_AGAIN });
      }) as never;
    }
  };
}

/** Of the driver; its types do not know it. */
const PIPELINE = { pipeline: true };

/** What is written until the next turn of the loop goes out in one piece. */
function gather(client: pg.Client): void {
  const { connection } = client as unknown as { connection?: { stream: Partial<Writable> } };
  const stream = connection?.stream;
  if (!stream?.cork || !stream.uncork) return;
  stream.cork();
  process.nextTick(() => stream.uncork?.());
}

function isStale(error: unknown): boolean {
  const { code, routine } = error as { code?: string; routine?: string };
  return code === STALE.code && routine === STALE.routine;
}
