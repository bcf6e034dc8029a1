import { randomUUID } from "node:crypto";
import { type AuditContext, writeLater } from "#audit/index.ts";
import type { JobState } from "#contract/job.ts";
import type { WorkKind } from "#contract/runner.ts";
import type { DatabaseHandle, Transaction } from "#persistence/index.ts";
import type { JobSignal } from "./job-signal.ts";

/** What other replicas on the same database are told with a commit: a hint to look, which may get lost. */
export interface News {
  work(context: AuditContext, kind: WorkKind): void;
  state(context: AuditContext, job: string, state: JobState): void;
  /** Begins to pass on what the others tell; returns how to stop. */
  listen(): Promise<() => Promise<void>>;
}

type Item = { work: WorkKind } | { job: string; state: JobState };

const CHANNEL = "sluice_news";
/** A payload of PostgreSQL is shorter than 8,000 bytes. */
const ITEMS_EACH = 80;

/** The embedded database has one process: nobody else is to be told, and within a process `signal` tells at once. */
export function createNews(handle: DatabaseHandle, signal: JobSignal): News {
  if (handle.kind === "embedded")
    return { work: () => undefined, state: () => undefined, listen: async () => async () => undefined };
  const own = randomUUID();
  const write = async (tx: Transaction, items: readonly Item[]) => {
    const told = [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
    for (let at = 0; at < told.length; at += ITEMS_EACH) {
      await handle.notify(tx, CHANNEL, JSON.stringify({ from: own, items: told.slice(at, at + ITEMS_EACH) }));
    }
  };
  return {
    work: (context, kind) => writeLater<Item>(context, write, { work: kind }),
    state: (context, job, state) => writeLater<Item>(context, write, { job, state }),
    listen: async () =>
      handle.listen(CHANNEL, (payload) => {
        const { from, items } = JSON.parse(payload) as { from: string; items: Item[] };
        if (from !== own) for (const item of items) passOn(signal, item);
      }),
  };
}

function passOn(signal: JobSignal, item: Item): void {
  if ("work" in item) return signal.work(item.work);
  signal.job(item.job, { type: "state", state: item.state, at: new Date().toISOString() });
}
