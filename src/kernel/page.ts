import { AppError } from "./errors.ts";

/** A page of a list: at most `limit` items whose id sorts after `after`. */
export interface PageRequest {
  limit: number;
  after?: string | undefined;
}

export interface PageOf<T> {
  items: T[];
  /** Cursor of the following page, absent on the last. */
  next?: string;
}

/** Makes a page of items that were read with `limit + 1`, in the order of their ids. */
export function pageOf<T extends { id: string }>(found: readonly T[], limit: number): PageOf<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length > limit && last ? { items, next: Buffer.from(last.id).toString("base64url") } : { items };
}

/** The id in a cursor; `invalid_cursor` for what this server cannot have issued. */
export function parseCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const id = Buffer.from(cursor, "base64url").toString("utf8");
  if (!/^[a-z0-9_-]{1,80}$/.test(id) || Buffer.from(id).toString("base64url") !== cursor) {
    throw new AppError("invalid_cursor");
  }
  return id;
}
