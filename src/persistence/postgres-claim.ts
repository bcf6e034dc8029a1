import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { toDatabaseError } from "./database-error.ts";
import { NOTICE_LOST_MACHINE } from "./lost-machine.ts";

export interface NameClaim {
  name: string;
  /** How long somebody who is taken for dead may still have the name: at least until the server notices a lost machine. */
  waitMs: number;
  /** The connection was lost, and somebody else has taken the name since. */
  onTaken(): void;
}

/** "name" as a number. */
const LOCK_KEY = 0x6e61_6d65;
const TRY_EVERY_MS = 200;

/**
 * Holds a name in the database for as long as this process lives: a lock of a session of its own, which ends with the process
 * and is taken again when the connection was lost. Answers how to give it back, or undefined when somebody else has it.
 */
export async function claimName(
  createClient: () => pg.Client,
  claim: NameClaim,
): Promise<(() => Promise<void>) | undefined> {
  let client = await take(createClient, claim);
  if (!client) return undefined;
  const stop = new AbortController();
  let again = Promise.resolve();
  const watch = (held: pg.Client) => {
    held.once("end", () => {
      if (!stop.signal.aborted) again = retake();
    });
  };
  const retake = async () => {
    client = await takeAgain(createClient, claim, stop.signal);
    if (client) watch(client);
  };
  watch(client);
  return async () => {
    stop.abort();
    await again;
    await client?.end();
  };
}

async function takeAgain(
  createClient: () => pg.Client,
  claim: NameClaim,
  stop: AbortSignal,
): Promise<pg.Client | undefined> {
  while (!stop.aborted) {
    // the database is away: others cannot take the name either
    const client = await take(createClient, claim).catch(() => "unreachable" as const);
    if (client === "unreachable") await sleep(TRY_EVERY_MS, undefined, { ref: false });
    else if (client) return client;
    else {
      claim.onTaken();
      return undefined;
    }
  }
  return undefined;
}

async function take(createClient: () => pg.Client, { name, waitMs }: NameClaim): Promise<pg.Client | undefined> {
  const client = createClient();
  // a lost connection ends too; without a listener for its error the process would
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query(NOTICE_LOST_MACHINE);
    if (await lock(client, name, Date.now() + waitMs)) return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw toDatabaseError(error);
  }
  await client.end();
  return undefined;
}

async function lock(client: pg.Client, name: string, untilMs: number): Promise<boolean> {
  for (;;) {
    const text = "select pg_try_advisory_lock($1, hashtext($2)) as held";
    const { rows } = await client.query<{ held: boolean }>(text, [LOCK_KEY, name]);
    if (rows[0]?.held === true) return true;
    if (Date.now() >= untilMs) return false;
    await sleep(TRY_EVERY_MS);
  }
}
