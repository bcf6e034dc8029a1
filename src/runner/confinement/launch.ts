import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Writable } from "node:stream";
import { LOCK_FILTER_FD } from "#contract/self-lock.ts";
import { AppError } from "#kernel/errors.ts";
import { ENGINE_PROGRAM, INGEST_PROGRAM, ISOLATE_PROGRAM, prepareProgram, type ProgramSource } from "../program.ts";
import { type Box, LAUNCHER, nodeFlags, planBox } from "./box.ts";
import { bubblewrapCommand, START_FILTER_FD } from "./bubblewrap.ts";
import { type ControlGroup, createGroup } from "./cgroup.ts";
import { type Confinement, kindOf, limiterOf } from "./confinement.ts";
import { lockFilter, startFilter } from "./filters.ts";
import { landlockCommand, landlockOptions } from "./landlock.ts";
import { memoryLimitOf, rlimitsOf } from "./limits.ts";
import { descendantsOf } from "./proc.ts";
import type { Architecture } from "./syscalls.ts";

export interface LaunchOptions {
  role: "engine" | "isolate" | "ingest";
  /** Files of the data products, or the source of an ingest: nothing else of the data is visible inside. */
  readOnly: readonly string[];
  /** Directories that an ingest writes to. */
  writable?: readonly string[];
  /** Whether the process reaches the network: only an ingest whose source is a database. */
  network?: boolean;
  /** Whether an isolate process compiles JavaScript to machine code; its memory is then held by a control group only. */
  jit?: boolean;
  memoryBytes: number;
  confinement: Confinement;
  /** Another program than the role's own in the same box: to look at the box from inside. */
  program?: ProgramSource;
}

/** A process that was started, and how it is ended. */
export interface Launched {
  readonly child: ChildProcess;
  readonly group: ControlGroup | undefined;
  /** Ends the whole tree at once; may be called again. */
  kill(): void;
}

const PROGRAMS: Readonly<Record<LaunchOptions["role"], ProgramSource>> = {
  engine: ENGINE_PROGRAM,
  isolate: ISOLATE_PROGRAM,
  ingest: INGEST_PROGRAM,
};
/** Descriptors: frames in on 3, out on 4, the filter of the self-lock on 5, the start filter on 6. */
const PIPES = ["ignore", "pipe", "pipe", "pipe", "pipe"] as const;

/**
 * Starts a process that runs untrusted SQL or JavaScript: frames in on descriptor 3, out on 4. The one place that
 * starts confined processes. Throws `configuration_invalid` when what is needed is missing.
 *
 * INVARIANT: the environment is empty, so that no setting or secret of ours can be read inside.
 */
export function launch(options: LaunchOptions): Launched {
  const { confinement } = options;
  const box = boxOf(options);
  if (kindOf(confinement) === "process") return launchPlain(box);
  const limiter = limiterOf(confinement);
  const limits = { memoryBytes: memoryLimitOf(box), tasks: TASKS };
  const group = limiter === "rlimit" ? undefined : createGroup(limiter, limits);
  const isBubblewrap = kindOf(confinement) === "bubblewrap";
  const command = isBubblewrap ? bubblewrapCommand(box) : landlockCommand(box);
  const words = [
    "--parent",
    String(process.pid),
    ...(group?.joinFiles ?? []).flatMap((path) => ["--group", path]),
    ...rlimitsOf(box, limiter).flatMap((limit) => ["--limit", limit]),
    ...(isBubblewrap ? [] : landlockOptions(box)),
    "--",
    ...command,
  ];
  const child = spawn(LAUNCHER, words, { env: {}, cwd: "/", detached: true, stdio: [...PIPES, "pipe", "pipe"] });
  const filters = filtersOf(box);
  hand(child, LOCK_FILTER_FD, filters.lock);
  hand(child, START_FILTER_FD, filters.start);
  return { child, group, kill: () => killTree(child, group) };
}

/** Threads of Node, V8 and DuckDB with room, and bubblewrap's two processes. */
const TASKS = 256;

const boxes = new Map<string, Box>();

/** Programs are prepared once a process: their sources do not change under a running server. */
function boxOf(options: LaunchOptions): Box {
  const { role, readOnly, writable = [], network = false, jit = role !== "isolate", memoryBytes } = options;
  const source = options.program ?? PROGRAMS[role];
  const key = JSON.stringify([source, network]);
  const needs = { role, readOnly: [], writable: [], network, jit, memoryBytes };
  const known = boxes.get(key) ?? planBox({ ...needs, program: prepareProgram(source) });
  boxes.set(key, known);
  return { ...known, role, jit, memoryBytes, readOnly: [...known.readOnly, ...readOnly], writable };
}

const assembled = new Map<string, { lock: Buffer; start: Buffer }>();

function filtersOf({ role, jit, network }: Box): { lock: Buffer; start: Buffer } {
  const needs = { role, jit, network };
  const key = JSON.stringify(needs);
  const filters = assembled.get(key) ?? {
    lock: lockFilter(needs, architecture()),
    start: startFilter(needs, architecture()),
  };
  assembled.set(key, filters);
  return filters;
}

function launchPlain(box: Box): Launched {
  const child = spawn(process.execPath, [...nodeFlags(box), box.program.entry], {
    env: {},
    cwd: "/",
    detached: true,
    stdio: [...PIPES],
  });
  return { child, group: undefined, kill: () => killTree(child, undefined) };
}

function hand(child: ChildProcess, descriptor: number, bytes: Buffer): void {
  const pipe = child.stdio[descriptor] as Writable;
  // a process that ended before it read them is seen by its exit
  pipe.on("error", () => undefined);
  pipe.end(bytes);
}

/**
 * The inner processes go first: the first of a process namespace takes all others with it, and what waits outside
 * ends when that is done, so that the end which is then seen is the end of everything.
 */
function killTree(child: ChildProcess, group: ControlGroup | undefined): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  group?.kill();
  const [inner] = descendantsOf(child.pid);
  if (inner !== undefined) send(inner);
  else send(-child.pid);
}

function send(target: number): void {
  try {
    process.kill(target, "SIGKILL");
  } catch (error) {
    // it may have ended between the look and the call
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function architecture(): Architecture {
  if (process.arch === "x64" || process.arch === "arm64") return process.arch;
  throw new AppError("not_supported", "confined processes run on x86-64 and arm64 only");
}

/** bubblewrap tells a program's signal as shells do: 128 and its number. */
export function signalOfCode(code: number | null): NodeJS.Signals | null {
  const found = Object.entries(constants.signals).find(([, number]) => number === (code ?? 0) - 128);
  return (found?.[0] as NodeJS.Signals | undefined) ?? null;
}
