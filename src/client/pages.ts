/** A list answer: `next` is the cursor of the following page, absent on the last. */
export interface PageOf<T> {
  items: T[];
  next?: string | undefined;
}

export interface PageOptions {
  /** Items a page, 1 to 200. */
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** All items of a list, page by page, as they are asked for. */
export async function* eachItem<T>(
  fetchPage: (options: PageOptions) => Promise<PageOf<T>>,
  options: PageOptions = {},
): AsyncGenerator<T, void> {
  let cursor = options.cursor;
  do {
    const page: PageOf<T> = await fetchPage({ limit: options.limit, cursor });
    yield* page.items;
    // INVARIANT: a server that repeats its cursor cannot hold the client in a loop.
    cursor = page.next === cursor ? undefined : page.next;
  } while (cursor !== undefined);
}
