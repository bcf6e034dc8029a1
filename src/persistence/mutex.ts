import { AppError } from "#kernel/errors.ts";

/** First come, first served. */
export interface Mutex {
  /** AppError `database_unavailable` after the timeout. */
  acquire(): Promise<void>;
  release(): void;
}

interface Waiter {
  resolve: () => void;
  timer: NodeJS.Timeout;
}

export function createMutex(timeoutMs: number): Mutex {
  let held = false;
  const waiting = new Set<Waiter>();
  return {
    acquire: async () => {
      if (!held) {
        held = true;
        return;
      }
      await wait(waiting, timeoutMs);
    },
    release: () => {
      const [next] = waiting;
      if (!next) {
        held = false;
        return;
      }
      waiting.delete(next);
      clearTimeout(next.timer);
      next.resolve();
    },
  };
}

async function wait(waiting: Set<Waiter>, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const waiter: Waiter = { resolve, timer: setTimeout(() => giveUp(), timeoutMs) };
    const giveUp = () => {
      waiting.delete(waiter);
      const cause = new Error(`the connection was not free for ${timeoutMs} ms: is db used inside a transaction?`);
      reject(new AppError("database_unavailable", undefined, { cause }));
    };
    waiting.add(waiter);
  });
}
