import { usageError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { pathOfArgument } from "../input.ts";
import { objectOutcome } from "../list.ts";
import type { BackupDone, CommandBody, Outcome, RestoreDone, RestoreStorage, Terminal } from "../terminal.ts";

export interface BackupOptions {
  to?: string;
  online?: string;
  keysTo?: string;
  withoutProducts?: boolean;
  data?: string;
}

const NO_KEYS =
  "sluice: warning: the keys are not in this backup, and without them nothing that is sealed can be read: " +
  "keep a copy of the directory keys somewhere else";
const WITH_KEYS = "sluice: warning: whoever has the backup and the keys can read every result: keep them apart";

export const backupCommand: CommandBody<BackupOptions> = async ({ terminal, options }) => {
  const products = options.withoutProducts !== true;
  if ((options.to === undefined) === (options.online === undefined)) throw usageError("give either --to or --online");
  if (options.online !== undefined) {
    if (options.keysTo !== undefined) throw usageError("a running server hands out no keys: --keys-to goes with --to");
    const client = await connect(terminal);
    return backupOutcome(await client.operations.backup({ name: options.online, products }));
  }
  const { readConfig } = await import("#config/index.ts");
  // what a server would refuse to start with is no reason to refuse a copy
  const config = readConfig(terminal.env, { development: true, dataDirectory: options.data });
  const keysTo = options.keysTo === undefined ? undefined : pathOfArgument(terminal, options.keysTo);
  const to = pathOfArgument(terminal, options.to ?? "");
  return backupOutcome(await terminal.host.runBackup(config, { to, keysTo, products }));
};

function backupOutcome(done: BackupDone): Outcome {
  const { directory, rows, files, checkpoint, keys } = done;
  const text = `${directory}: ${rows} rows, ${files} files, audit log up to ${checkpoint.seq}:${checkpoint.hash}`;
  const absent = `sluice: ${done.evidenceAbsent} objects of revoked releases are not kept any more\n`;
  const notes = `${done.evidenceAbsent > 0 ? absent : ""}${keys === undefined ? NO_KEYS : WITH_KEYS}`;
  return { ...objectOutcome(done, text), notes };
}

export interface RestoreOptions {
  from: string;
  keysFrom?: string;
  data: string;
  postgres?: boolean;
  storage?: boolean;
}

export const restoreCommand: CommandBody<RestoreOptions> = async ({ terminal, options }) => {
  const postgres = options.postgres === true ? terminal.env["SLUICE_DATABASE_URL"] : undefined;
  if (options.postgres === true && !postgres)
    throw usageError("--postgres restores into SLUICE_DATABASE_URL, which is not set");
  const dataDirectory = pathOfArgument(terminal, options.data);
  const request = {
    from: pathOfArgument(terminal, options.from),
    keysFrom: options.keysFrom === undefined ? undefined : pathOfArgument(terminal, options.keysFrom),
    dataDirectory,
    postgres,
  };
  const storage = options.storage === true ? await storageOf(terminal, dataDirectory) : undefined;
  return restoreOutcome(await terminal.host.runRestore(request, storage));
};

async function storageOf({ env }: Terminal, dataDirectory: string): Promise<RestoreStorage> {
  const { readConfig } = await import("#config/index.ts");
  const { storage: place, objectKey: key } = readConfig(env, { development: true, dataDirectory });
  if (place.kind === "s3") return { place, key };
  throw usageError("--storage restores into SLUICE_STORAGE, which is not set");
}

const WITHOUT_PRODUCTS =
  "sluice: warning: the backup is without products: jobs need them ingested again (sluice apply)";
const PAUSED =
  "sluice: webhooks are paused, because the state that was backed up may still send; when this one takes its place: " +
  "sluice webhooks resume ";

function restoreOutcome(done: RestoreDone): Outcome {
  const { dataDirectory, rows, files, checkpoint, createdAt } = done;
  const text =
    `${dataDirectory}: the state of ${createdAt}, ${rows} rows, ${files} files\n` +
    `the audit log verifies up to ${checkpoint.seq}:${checkpoint.hash}`;
  const notes = [
    ...(done.products ? [] : [WITHOUT_PRODUCTS]),
    ...(done.pausedWebhooks.length > 0 ? [`${PAUSED}${done.pausedWebhooks.join(", ")}`] : []),
  ].join("\n");
  return { ...objectOutcome(done, text), ...(notes === "" ? {} : { notes }) };
}
