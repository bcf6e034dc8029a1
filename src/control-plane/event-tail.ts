import type { EventTail } from "#security/index.ts";
import type { JobSignal } from "./job-signal.ts";

/** Another replica may have written events: look at least this often. */
const LOOK_EVERY_MS = 1_000;
const KEEP_ALIVE_MS = 15_000;

export interface TailOptions {
  tail: EventTail;
  signal: JobSignal;
  /** Aborted when the reader is gone or the server stops: the stream ends between two events. */
  end: AbortSignal;
}

/**
 * Events as server-sent events, a batch a piece. Nothing is read ahead of the reader: what it has not taken stays in
 * the database. Each event's id, and the heartbeat's, is the place to go on from.
 */
export async function* streamTail({ tail, signal, end }: TailOptions): AsyncGenerator<string, void> {
  // the head of the answer goes out at once
  yield ": connected\n\n";
  let quietSince = performance.now();
  while (!end.aborted) {
    const news = nextNews(signal, end);
    try {
      const { events, position, more } = await tail.next();
      if (events.length > 0) {
        yield events.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join("");
        quietSince = performance.now();
      } else if (performance.now() - quietSince >= KEEP_ALIVE_MS) {
        yield `: alive\nid: ${position}\n\n`;
        quietSince = performance.now();
      }
      if (!more) await news.come;
    } finally {
      news.stop();
    }
  }
}

/** Listening starts before looking, so that an event that is written between is not missed. */
function nextNews(signal: JobSignal, end: AbortSignal): { come: Promise<void>; stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const off = signal.onSecurity(wake);
  const timer = setTimeout(wake, LOOK_EVERY_MS);
  end.addEventListener("abort", wake, { once: true });
  if (end.aborted) wake();
  return {
    come: promise,
    stop: () => {
      off();
      clearTimeout(timer);
      end.removeEventListener("abort", wake);
    },
  };
}
