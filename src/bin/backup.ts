import { readdirSync } from "node:fs";
import {
  restoreBackup,
  type RestoreReport,
  type RestoreRequest,
  writeBackup,
  type BackupReport,
} from "#backup/index.ts";
import type { Config } from "#config/index.ts";
import { systemClock } from "#kernel/clock.ts";
import { AppError } from "#kernel/errors.ts";
import { openDatabase } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";

/** Backs up a deployment from outside: PostgreSQL while servers run on it, an embedded database while none does. */
export async function runBackup(
  config: Config,
  order: { to: string; keysTo?: string | undefined; products: boolean },
): Promise<BackupReport> {
  const { dataDirectory, database, policiesDirectory, storage } = config;
  requireDeployment(dataDirectory);
  const policies = loadPolicyBundle(policiesDirectory).digest;
  await using handle = await openDatabase(database);
  const { kind } = storage;
  return await writeBackup({
    handle,
    dataDirectory,
    storage: kind,
    policies,
    nowMs: systemClock.nowMs(),
    ...order,
  });
}

/** Opening would make an empty deployment where there is none. */
function requireDeployment(directory: string): void {
  try {
    // a key that is given lies elsewhere
    if (readdirSync(directory).some((name) => name === "keys" || name === "deployment.json")) return;
  } catch (cause) {
    throw new AppError("configuration_invalid", `${directory} holds no deployment`, { cause });
  }
  throw new AppError("configuration_invalid", `${directory} holds no deployment`);
}

export async function runRestore(request: Omit<RestoreRequest, "clock">): Promise<RestoreReport> {
  return restoreBackup({ ...request, clock: systemClock });
}
