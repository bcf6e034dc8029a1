import { join } from "node:path";
import type { Logger } from "pino";
import { finishRestore } from "#backup/index.ts";
import type { Config } from "#config/index.ts";
import { createReplicaSignal, joinReplicas, type JobSignal } from "#control-plane/index.ts";
import { systemClock } from "#kernel/clock.ts";
import {
  claimDeployment,
  type DatabaseHandle,
  migrate,
  openDatabase,
  openStorage,
  type Storage,
} from "#persistence/index.ts";
import { replicaId } from "./replica.ts";

/** What outlives this process, opened and found to belong together. */
export interface State {
  handle: DatabaseHandle;
  storage: Storage;
  signal: JobSignal;
  /** Names the deployment. */
  id: string;
  /** Whether products are ingested on this machine. */
  isIngestHome: boolean;
}

/**
 * Opens database and storage and joins the other replicas; what it opened is closed with `resources`, the last first.
 * Throws `configuration_invalid` for parts that are not of one deployment, or policies that are not of one mind.
 */
export async function openState(
  config: Config,
  { bundle, log, resources }: { bundle: string; log: Logger; resources: AsyncDisposableStack },
): Promise<State> {
  const { dataDirectory, storage: place, objectKey: key, runner } = config;
  const handle = resources.use(await openDatabase(config.database));
  await finishRestore(handle.db, dataDirectory);
  await bringUp(config, handle);
  const storage = resources.use(await openStorage({ place, dataDirectory, key }));
  const nowMs = systemClock.nowMs();
  const ingests = runner.concurrentIngests > 0;
  const claimed = await claimDeployment(handle.db, storage, { nowMs, dataDirectory, ingests });
  const id = replicaId(config);
  resources.defer(
    await joinReplicas({ handle, clock: systemClock, log, id, bundle, onTaken: () => endAtOnce(log, id) }),
  );
  const { signal, close } = await createReplicaSignal(handle, { id, log });
  resources.defer(close);
  return { handle, storage, signal, ...claimed };
}

/** A migration takes as long as it takes, and so does waiting for that of another replica. */
async function bringUp({ database }: Config, handle: DatabaseHandle): Promise<void> {
  if (database.kind === "embedded") {
    await migrate(handle);
    return;
  }
  await using patient = await openDatabase({ ...database, poolSize: 1, statementTimeoutMs: 0 });
  await migrate(patient);
}

/** Two servers of one name give back each other's leases. What this one has under way is taken up as after any crash. */
function endAtOnce(log: Logger, id: string): void {
  log.fatal({ replica: id }, "another server has taken this one's name while the database was away: this one ends");
  process.exit(1);
}

/** Where the runner of this server has products from that it did not make: a cache before the storage. */
export function localCache({ storage, dataDirectory, cacheBytes }: Config): Record<string, unknown> {
  if (storage.kind === "directory") return {};
  return { cache: { directory: join(dataDirectory, "cache"), limitBytes: cacheBytes, inPlace: true } };
}
