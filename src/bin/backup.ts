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
import { openDatabase, openStorage, type StorageOptions } from "#persistence/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";

/** Backs up a deployment from outside: PostgreSQL while servers run on it, an embedded database while none does. */
export async function runBackup(
  config: Config,
  order: { to: string; keysTo?: string | undefined; products: boolean },
): Promise<BackupReport> {
  const { dataDirectory, database, policiesDirectory, storage: place, objectKey: key } = config;
  requireDeployment(config);
  const policies = loadPolicyBundle(policiesDirectory).digest;
  await using handle = await openDatabase(
    database.kind === "postgres" ? { ...database, statementTimeoutMs: 0 } : database,
  );
  await using storage = await openStorage({ place, dataDirectory, key });
  return await writeBackup({
    handle,
    dataDirectory,
    storage,
    policies,
    nowMs: systemClock.nowMs(),
    ...order,
  });
}

/** What a deployment leaves in its data directory, whatever else of it lies elsewhere. */
const TRACES = ["keys", "deployment.json", "ingest-home.json", "database", "governance"];

/** Opening would make an empty deployment where there is none. */
function requireDeployment({ dataDirectory, database, storage }: Config): void {
  if (database.kind === "postgres" && storage.kind === "s3") return;
  const none = (cause?: unknown) =>
    new AppError("configuration_invalid", `${dataDirectory} holds no deployment`, { cause });
  try {
    if (readdirSync(dataDirectory).some((name) => TRACES.includes(name))) return;
  } catch (cause) {
    throw none(cause);
  }
  throw none();
}

/** A place in `storage` takes objects and products instead of the data directory; its key is given. */
export async function runRestore(
  request: Omit<RestoreRequest, "clock" | "storage">,
  place?: Pick<StorageOptions, "place" | "key">,
): Promise<RestoreReport> {
  const order = { ...request, clock: systemClock };
  if (place === undefined) return restoreBackup(order);
  await using storage = await openStorage({ ...place, dataDirectory: request.dataDirectory });
  return await restoreBackup({ ...order, storage });
}
