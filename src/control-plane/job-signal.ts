import { EventEmitter } from "node:events";
import type { JobEvent } from "#contract/job.ts";
import type { WorkKind } from "#contract/runner.ts";

/** In-process wake-up: tells waiting runners of new work and waiting readers of a job's next state. */
export interface JobSignal {
  /** Work of a kind waits, or may wait. */
  work(kind: WorkKind): void;
  /** Something happened to a job. */
  job(id: string, event: JobEvent): void;
  /** Something was written to the security log. */
  security(): void;
  onSecurity(listener: () => void): () => void;
  onWork(kind: WorkKind, listener: () => void): () => void;
  onJob(id: string, listener: (event: JobEvent) => void): () => void;
}

export function createJobSignal(): JobSignal {
  const emitter = new EventEmitter().setMaxListeners(0);
  const on = (name: string, listener: (...args: never[]) => void) => {
    emitter.on(name, listener as (...args: unknown[]) => void);
    return () => void emitter.off(name, listener as (...args: unknown[]) => void);
  };
  return {
    work: (kind) => void emitter.emit(`work:${kind}`),
    job: (id, event) => void emitter.emit(`job:${id}`, event),
    security: () => void emitter.emit("security"),
    onSecurity: (listener) => on("security", listener),
    onWork: (kind, listener) => on(`work:${kind}`, listener),
    onJob: (id, listener) => on(`job:${id}`, listener),
  };
}
