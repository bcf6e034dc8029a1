import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { verifyChain, verifyLog, verifyNdjson, type ChainPosition, type ChainVerdict } from "#audit/index.ts";
import { CliError, usageError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { pathOfArgument } from "../input.ts";
import { showProgress, type CommandBody, type Outcome, type Terminal } from "../terminal.ts";

export interface VerifyOptions {
  data?: string;
  checkpoint?: string;
}

export const verifyAudit: CommandBody<VerifyOptions> = async ({ terminal, options, args: [file] }) => {
  const kept = parseCheckpoint(options.checkpoint);
  if (file !== undefined && options.data !== undefined) throw usageError("give a file or --data, not both");
  if (file !== undefined) return verdictOutcome(file, await verifyFile(terminal, file, kept));
  if (options.data !== undefined)
    return verdictOutcome(options.data, await verifyDirectory(terminal, options.data, kept));
  return verdictOutcome("the server's log", await verifyServer(terminal, kept));
};

/** `12:sha256:…`, as `sluice audit verify` prints it. */
function parseCheckpoint(text: string | undefined): ChainPosition | undefined {
  if (text === undefined) return undefined;
  const [, seq, hash] = /^(\d+):(sha256:[0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined) throw usageError("--checkpoint takes seq:sha256:hash");
  return { seq: Number(seq), hash };
}

async function verifyFile(terminal: Terminal, file: string, kept?: ChainPosition): Promise<ChainVerdict> {
  const path = pathOfArgument(terminal, file);
  try {
    return await verifyNdjson(createReadStream(path), { to: kept });
  } catch (cause) {
    if (typeof (cause as NodeJS.ErrnoException).syscall !== "string") throw cause;
    throw new CliError("file_unreadable", `${file}: ${(cause as NodeJS.ErrnoException).code ?? "unreadable"}`, {
      cause,
    });
  }
}

async function verifyDirectory(terminal: Terminal, directory: string, kept?: ChainPosition): Promise<ChainVerdict> {
  const { openDatabase } = await import("#persistence/index.ts");
  const path = join(pathOfArgument(terminal, directory), "database");
  // Opening would make an empty database where there is none, and an empty log verifies.
  if (!(await isDirectory(path))) throw new CliError("file_unreadable", `${directory} holds no embedded database`);
  await using handle = await openDatabase({ kind: "embedded", directory: path });
  return await verifyLog(handle.db, kept);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** The chain is computed here: the server only delivers the entries and says where its log ends. */
async function verifyServer(terminal: Terminal, kept?: ChainPosition): Promise<ChainVerdict> {
  const client = await connect(terminal);
  const end = await client.audit.checkpoint({ signal: terminal.signal });
  let keptSeen = kept === undefined || kept.seq === 0;
  async function* upToEnd() {
    if (end.seq === 0) return;
    for await (const entry of client.audit.entries()) {
      if (entry.seq % 200 === 0) showProgress(terminal, `${entry.seq} of ${end.seq} entries`);
      keptSeen ||= entry.seq === kept?.seq && entry.hash === kept.hash;
      yield entry;
      // Entries that were written since belong to no checkpoint yet.
      if (entry.seq >= end.seq) return;
    }
  }
  const verdict = await verifyChain(upToEnd(), { to: end });
  if (verdict.ok && !keptSeen) return { ok: false, seq: kept?.seq ?? 0, problem: "head_mismatch" };
  return verdict;
}

const PROBLEM_TEXT = {
  hash_mismatch: "its content does not match its hash: it was changed",
  chain_broken: "it does not follow the entry before it: changed or put in another order",
  sequence_gap: "a number is missing or out of order: entries were removed or moved",
  head_mismatch: "the log does not end where it should: entries were removed or added at the end",
  entry_invalid: "it is not an audit entry",
} as const;

function verdictOutcome(what: string, verdict: ChainVerdict): Outcome {
  if (!verdict.ok) {
    const message = `${what}: entry ${verdict.seq}: ${PROBLEM_TEXT[verdict.problem]}`;
    return { status: 1, json: () => verdict, text: () => "", notes: `sluice: audit_broken: ${message}` };
  }
  const { seq, hash, at } = verdict.checkpoint;
  return {
    status: 0,
    json: () => verdict,
    text: () => `${what}: ${verdict.entries} entries, unbroken up to ${at}\ncheckpoint ${seq}:${hash}`,
  };
}
