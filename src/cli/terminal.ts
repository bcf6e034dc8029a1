import type { Readable, Writable } from "node:stream";
import type { Config, NodeConfig } from "#config/index.ts";
import type { AuditCheckpoint } from "#contract/audit.ts";
import type { DoctorCheck } from "#contract/doctor.ts";

export interface BackupOrder {
  to: string;
  keysTo?: string | undefined;
  products: boolean;
}

export interface BackupDone {
  directory: string;
  rows: number;
  files: number;
  evidenceAbsent: number;
  checkpoint: AuditCheckpoint;
  keys?: string | undefined;
}

export interface RestoreOrder {
  from: string;
  keysFrom?: string | undefined;
  dataDirectory: string;
  postgres?: string | undefined;
}

/** Where objects and products go, when not into the data directory. */
export interface RestoreStorage {
  place: Config["storage"];
  key: Config["objectKey"];
}

export interface RestoreDone {
  dataDirectory: string;
  createdAt: string;
  rows: number;
  files: number;
  checkpoint: AuditCheckpoint;
  products: boolean;
  policies: string;
  pausedWebhooks: readonly string[];
}

/** What the program can start besides commands; the command line itself knows no server. */
export interface Host {
  startServer(config: Config): Promise<{ url: string; nodesUrl: string | undefined; close(): Promise<void> }>;
  startNode(config: NodeConfig): Promise<{ name: string; close(): Promise<void> }>;
  runDoctor(config: Config): Promise<{ checks: readonly DoctorCheck[] }>;
  /** Opens the database itself: an embedded one that no server runs on, or PostgreSQL. */
  runBackup(config: Config, request: BackupOrder): Promise<BackupDone>;
  runRestore(request: RestoreOrder, storage?: RestoreStorage): Promise<RestoreDone>;
}

/** Everything that a command may know of the process it runs in; `bin/sluice.ts` makes the real one. */
export interface Terminal {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
  /** Relative paths of arguments start here. */
  directory: string;
  home: string;
  /** Progress is shown to people only. */
  showsProgress: boolean;
  /** Fires when the user interrupts. */
  signal: AbortSignal;
  /** What `--lang` asked for; the environment says otherwise. */
  language?: "zh" | "en" | undefined;
  host: Host;
}

/** What a command hands back; only `runCli` prints, so `--json` cannot be mixed with anything else. */
export interface Outcome {
  status: 0 | 1;
  /** The one document of `--json`. */
  json: () => unknown;
  /** What is printed otherwise; in pieces when it is large or comes slowly. */
  text: () => string | AsyncIterable<string | Uint8Array>;
  /** Remarks for people, printed on stderr when `--json` was not asked for. */
  notes?: string | undefined;
  /** What goes on after the result was printed: a server runs until it is told to stop. */
  after?: () => Promise<void>;
}

/** One call of a command: the options as its declaration names them, and its arguments. */
export interface Invocation<Options> {
  terminal: Terminal;
  options: Options;
  args: readonly string[];
}

export type CommandBody<Options> = (invocation: Invocation<Options>) => Promise<Outcome>;

const CLEAR_LINE = "\r\u001B[K";

/** Shows a line that the next one replaces; nothing when nobody looks. */
export function showProgress(terminal: Terminal, text: string): void {
  if (terminal.showsProgress) terminal.stderr.write(CLEAR_LINE + text);
}

export function clearProgress(terminal: Terminal): void {
  if (terminal.showsProgress) terminal.stderr.write(CLEAR_LINE);
}

/** Writes and waits while the reader is behind. */
export async function write(stream: Writable, piece: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}
