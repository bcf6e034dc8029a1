import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Kysely } from "kysely";
import { AppError } from "#kernel/errors.ts";
import { copyChanges, copyFiles } from "./copy-files.ts";
import { lockDirectory } from "./directory-lock.ts";
import { DurableFiles, syncTree } from "./durable-files.ts";
import { EmbeddedConnection, EmbeddedDialect } from "./embedded-dialect.ts";
import type { OpenedDatabase } from "./open-database.ts";
import type { Schema } from "./schema.ts";
import { valueParsers } from "./value-types.ts";

/**
 * PGlite as it comes runs with fsync off. Here a commit is on the disk when it is acknowledged: fsync on
 * (without `-F`), through fsync(2) because PGlite's fdatasync does nothing, and `DurableFiles` below it.
 */
const START_PARAMETERS = [...PGlite.defaultStartParams.filter((flag) => flag !== "-F"), "-c", "wal_sync_method=fsync"];

/** Opens `directory`/pgdata under the lock `directory`/lock. */
export async function openEmbedded(directory: string): Promise<OpenedDatabase> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = await lockDirectory(join(directory, "lock"));
  try {
    await initialise(join(directory, "pgdata"));
    const pglite = await startPglite(join(directory, "pgdata"));
    const connection = new EmbeddedConnection(pglite);
    const db = new Kysely<Schema>({ dialect: new EmbeddedDialect(connection) });
    return {
      db,
      listen: async (channel, handler) => {
        const unlisten = await connection.exclusively(() => pglite.listen(channel, handler));
        return async () => await connection.exclusively(() => unlisten());
      },
      copyTo: async (to) => {
        const [files, copy] = [join(directory, "pgdata"), join(to, "pgdata")];
        const copied = await copyFiles(files, copy);
        await connection.exclusively(async () => {
          // nothing is under way on the one connection: what is in the files then is the whole database
          await pglite.exec("checkpoint");
          await copyChanges(files, copy, copied);
        });
      },
      close: async () => {
        await db.destroy();
        await connection.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** initdb works beside its place and is moved there when it is whole and on the disk. */
async function initialise(directory: string): Promise<void> {
  if (existsSync(directory)) return;
  const making = `${directory}-initialising`;
  await rm(making, { recursive: true, force: true });
  const pglite = await startPglite(making);
  await pglite.close();
  await syncTree(making);
  await rename(making, directory);
  await syncTree(dirname(directory), 0);
}

async function startPglite(directory: string): Promise<PGlite> {
  try {
    return await PGlite.create({
      fs: new DurableFiles(directory),
      startParams: START_PARAMETERS,
      parsers: { ...valueParsers },
    });
  } catch (cause) {
    throw new AppError("database_unavailable", "the embedded database does not start", { cause });
  }
}
