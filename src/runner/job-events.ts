import type { ReasonCode } from "#contract/job.ts";
import type { JobLimits } from "#contract/runner.ts";
import { MAX_SUPERVISOR_EVENTS, type SupervisorEvent } from "#contract/security.ts";
import type { ProcessEnd } from "./confined-process.ts";
import type { JobRun } from "./job-run.ts";
import type { WatchVerdict } from "./watch.ts";

/** An event without its time. */
export type JobEvent = SupervisorEvent extends infer E ? (E extends SupervisorEvent ? Omit<E, "atMs"> : never) : never;

export type ProcessRole = "engine" | "isolate" | "renderer";

/** A process that has ended under its job, without being asked to. */
export interface FallenProcess {
  role: ProcessRole;
  end: ProcessEnd;
}

/** Takes note of what security staff shall see; beyond the most that a report carries they are only counted. */
export function noteEvent(run: JobRun, event: JobEvent): void {
  if (run.events.length >= MAX_SUPERVISOR_EVENTS) {
    run.eventsDropped++;
    return;
  }
  const atMs = Math.max(0, Math.round(performance.now() - run.startedMs));
  run.events.push({ atMs, ...event });
}

export interface StoppedBy {
  verdict: WatchVerdict;
  stopped: readonly ProcessRole[];
}

/** The wall clock or a cancellation ended these processes. */
export function noteStopped(run: JobRun, { verdict, stopped }: StoppedBy, wallMs: number): void {
  const by = verdict === "timeout" ? ("wall_time" as const) : ("cancel" as const);
  if (by === "wall_time") {
    noteEvent(run, { kind: "limit.hit", details: { limit: "wall_time", configured: wallMs } });
  }
  for (const process of stopped)
    noteEvent(run, { kind: "process.killed", details: { process, by, signal: "SIGKILL" } });
}

/** A process broke the protocol or exceeded a limit that it enforces itself: it no longer runs our code as written. */
export function noteBreach(run: JobRun, role: ProcessRole, attempt: string): void {
  noteEvent(run, { kind: "escape.attempted", details: { process: role, attempt } });
  noteEvent(run, { kind: "process.killed", details: { process: role, by: "supervisor", signal: "SIGKILL" } });
}

/** Why a process fell, as the job's reason; takes note of what security staff shall see of it. */
export function noteFallen(run: JobRun, { role, end }: FallenProcess, limits: JobLimits): ReasonCode {
  const process = role;
  const signal = end.signal ? { signal: end.signal } : {};
  const cause = causeOfEnd(end);
  if (end.breach !== undefined) noteBreach(run, role, `protocol:${end.breach}`);
  else if (cause === "forbidden_operation") {
    noteEvent(run, { kind: "escape.attempted", details: { process, attempt: "system_call" } });
    noteEvent(run, { kind: "process.killed", details: { process, by: "filter", ...signal } });
  } else if (cause === "memory_limit") {
    noteEvent(run, { kind: "limit.hit", details: { limit: "memory", configured: limits.memoryBytes, process } });
    noteEvent(run, { kind: "process.killed", details: { process, by: "memory", ...signal } });
  } else {
    const exitCode = end.code === null ? {} : { exitCode: end.code };
    noteEvent(run, { kind: "process.crashed", details: { process, ...exitCode, ...signal } });
  }
  return cause;
}

/**
 * V8 and the allocator abort (SIGABRT, SIGTRAP), and the kernel kills, what needs more memory than it may have.
 * Anything else is a crash.
 */
export function causeOfEnd({ how, signal, breach }: ProcessEnd): "forbidden_operation" | "memory_limit" | "crashed" {
  if (breach !== undefined || how === "escape_tried") return "forbidden_operation";
  if (how === "killed") return "crashed";
  if (how === "out_of_memory" || (signal && MEMORY_SIGNALS.has(signal))) return "memory_limit";
  return "crashed";
}

const MEMORY_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set(["SIGKILL", "SIGABRT", "SIGTRAP"]);

const LIMIT_OF_REASON: Partial<Record<ReasonCode, "output" | "log" | "queries" | "memory">> = {
  output_too_large: "output",
  log_limit: "log",
  query_limit: "queries",
  memory_limit: "memory",
};

/** A limit that a process keeps by itself shows as the job's reason. */
export function noteReason(run: JobRun, reason: ReasonCode | undefined): void {
  const limit = reason && LIMIT_OF_REASON[reason];
  const isKnown = run.events.some((event) => event.kind === "limit.hit" && event.details.limit === limit);
  if (limit && !isKnown) noteEvent(run, { kind: "limit.hit", details: { limit } });
}
