import { formatTable, type TextColumn } from "./print/table.ts";
import type { Outcome } from "./terminal.ts";

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  return takeItems(items, Number.POSITIVE_INFINITY);
}

/** The first items of a list that comes in pages. */
export async function takeItems<T>(items: AsyncIterable<T>, limit: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= limit) break;
  }
  return taken;
}

/** A list as a table of chosen columns, and whole with `--json`. */
export function listOutcome<T>(items: readonly T[], columns: Readonly<Record<string, (item: T) => unknown>>): Outcome {
  const titles: TextColumn[] = Object.keys(columns).map((title) => ({ title }));
  const rows = items.map((item) => Object.values(columns).map((valueOf) => valueOf(item)));
  return {
    status: 0,
    json: () => ({ items }),
    text: () => (items.length === 0 ? "" : formatTable(titles, rows)),
    notes: items.length === 0 ? "nothing to show" : undefined,
  };
}

/** A single object: its own JSON, and a text for people. */
export function objectOutcome(value: object, text: string): Outcome {
  return { status: 0, json: () => value, text: () => text };
}
