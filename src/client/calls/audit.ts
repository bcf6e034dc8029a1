import type { AuditCheckpoint, AuditEntry } from "#contract/audit.ts";
import { readJson, type CallOptions, type Send } from "../transport.ts";

export interface EntryOptions {
  /** Entries after this number; from the first otherwise. */
  after?: number | undefined;
  /** Entries a page, 1 to 1000. */
  limit?: number | undefined;
}

export interface EntryPage {
  items: AuditEntry[];
  /** `after` of the following page, absent on the last. */
  next?: number;
}

export interface AuditCalls {
  page(options?: EntryOptions): Promise<EntryPage>;
  /** All entries in the order of the chain. */
  entries(options?: EntryOptions): AsyncIterable<AuditEntry>;
  checkpoint(options?: CallOptions): Promise<AuditCheckpoint>;
}

const ENTRIES_A_PAGE = 1000;

export function auditCalls(send: Send): AuditCalls {
  const page: AuditCalls["page"] = async (query) =>
    readJson(await send({ method: "GET", path: "/v1/audit/entries", query: { ...query } }));
  return {
    page,
    entries: (query) => eachEntry(page, { limit: ENTRIES_A_PAGE, ...query }),
    checkpoint: async (options) => readJson(await send({ method: "GET", path: "/v1/audit/checkpoint", options })),
  };
}

async function* eachEntry(page: AuditCalls["page"], options: EntryOptions): AsyncGenerator<AuditEntry, void> {
  let after: number | undefined = options.after ?? 0;
  while (after !== undefined) {
    const { items, next }: EntryPage = await page({ ...options, after });
    yield* items;
    // INVARIANT: a server that does not move on cannot hold the client in a loop.
    after = next !== undefined && next > after ? next : undefined;
  }
}
