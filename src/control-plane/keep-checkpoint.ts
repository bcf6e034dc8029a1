import { appendFile, mkdir, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Value } from "typebox/value";
import { readEntries, verifyChain } from "#audit/index.ts";
import type { Chore } from "#chores/index.ts";
import { AuditCheckpoint } from "#contract/audit.ts";
import { AppError } from "#kernel/errors.ts";
import type { Deployment } from "./deployment.ts";

const HOUR_MS = 3_600_000;

/**
 * Verifies the log from the last kept checkpoint on and keeps a new one, in a file outside of the database: entries
 * that are cut off or changed later no longer lead to it. A log that does not verify fails the chore with
 * `audit_broken` until somebody has looked.
 */
export function createCheckpointChore({ db, config, log }: Deployment): Chore {
  const path = join(config.dataDirectory, "governance", "checkpoints.ndjson");
  return {
    name: "audit.checkpoint",
    everyMs: HOUR_MS,
    run: async () => {
      const from = await lastCheckpoint(path);
      const verdict = await verifyChain(readEntries(db, { from: (from?.seq ?? 0) + 1 }), { from });
      if (!verdict.ok) {
        log.fatal({ seq: verdict.seq, problem: verdict.problem }, "the audit log does not verify");
        throw new AppError("audit_broken");
      }
      if (from && verdict.entries === 0) await requireReached(db, from);
      if (verdict.checkpoint.seq > (from?.seq ?? 0)) await keep(path, verdict.checkpoint);
    },
  };
}

/** Without new entries the kept one must still be the last: else the log was cut behind it. */
async function requireReached(db: Deployment["db"], { seq, hash }: AuditCheckpoint): Promise<void> {
  const entry = await db.selectFrom("audit_entries").select("hash").where("seq", "=", seq).executeTakeFirst();
  if (entry?.hash !== hash) throw new AppError("audit_broken");
}

async function lastCheckpoint(path: string): Promise<AuditCheckpoint | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return "";
  });
  const kept = text.split("\n").filter(Boolean).flatMap(parseLine);
  return kept.at(-1);
}

/** A line that a crash cut short is no checkpoint. */
function parseLine(line: string): AuditCheckpoint[] {
  try {
    const value: unknown = JSON.parse(line);
    return Value.Check(AuditCheckpoint, value) ? [value] : [];
  } catch {
    return [];
  }
}

async function keep(path: string, { seq, hash, at }: AuditCheckpoint): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // begins with a line feed: what a crash cut short stays a line of its own
  await appendFile(path, `\n${JSON.stringify({ seq, hash, at })}\n`, { mode: 0o600 });
  await using file = await open(path, "r");
  await file.sync();
}
