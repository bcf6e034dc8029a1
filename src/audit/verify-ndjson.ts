import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Value } from "typebox/value";
import { AuditEntry } from "#contract/audit.ts";
import { type ChainPosition, type ChainVerdict, verifyChain } from "./verify-chain.ts";

class InvalidLine extends Error {
  readonly line: number;

  constructor(line: number) {
    super(`line ${line} is no audit entry`);
    this.line = line;
  }
}

/**
 * Checks an exported log, one entry a line, without any database. For an export that begins later than the
 * first entry, `from` is the checkpoint before it; `to` is the checkpoint at which it must end.
 */
export async function verifyNdjson(
  stream: Readable,
  options: { from?: ChainPosition | undefined; to?: ChainPosition | undefined } = {},
): Promise<ChainVerdict> {
  try {
    return await verifyChain(parseLines(stream), options);
  } catch (error) {
    if (!(error instanceof InvalidLine)) throw error;
    return { ok: false, seq: (options.from?.seq ?? 0) + error.line, problem: "entry_invalid" };
  }
}

async function* parseLines(stream: Readable): AsyncGenerator<AuditEntry, void, undefined> {
  let line = 0;
  for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    yield parseEntry(text, line);
  }
}

function parseEntry(text: string, line: number): AuditEntry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidLine(line);
  }
  // Checked against the schema only for its form: additional members would change the hash.
  if (!Value.Check(AuditEntry, value)) throw new InvalidLine(line);
  return value;
}
