import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import type { EngineOpen } from "#contract/engine.ts";
import { loadArrowExtension, mountProducts } from "./arrow/index.ts";

/** How products get into an instance; tests mount tables of their own. */
export type Mount = (connection: DuckDBConnection, open: EngineOpen, options: { empty: boolean }) => Promise<void>;

export interface EngineInstances extends AsyncDisposable {
  /** Holds the tables empty: whatever it says can only repeat the developer's words and mounted names. */
  planning: DuckDBConnection;
  data: DuckDBConnection;
  /** Holds the same with more threads, for a statement that has the machine to itself; or is `data`. A locked instance keeps its threads. */
  dataAlone: DuckDBConnection;
}

/** After the trusted set-up, in this order (sandbox.md §3): then neither instance can change settings or open files. */
const LOCKDOWN = [
  "SET temp_directory = ''",
  "SET autoinstall_known_extensions = false",
  "SET autoload_known_extensions = false",
  "SET allow_community_extensions = false",
  "SET allow_persistent_secrets = false",
  "SET allow_unredacted_secrets = false",
  "SET max_expression_depth = 250",
  "SET enable_external_access = false",
  "SET disabled_filesystems = 'LocalFileSystem'",
  "SET lock_configuration = true",
];

export async function openInstances(open: EngineOpen, mount: Mount = mountArrow): Promise<EngineInstances> {
  const planning = await createInstance({ threads: 1, memoryBytes: Math.min(open.memoryBytes, 256 * 1024 * 1024) });
  await mount(planning.connection, open, { empty: true });
  await lockDown(planning.connection);
  const { threads, threadsAlone = threads } = open;
  const data = await openData(open, { threads, mount });
  const alone = threadsAlone > threads ? await openData(open, { threads: threadsAlone, mount }) : data;
  return {
    planning: planning.connection,
    data: data.connection,
    dataAlone: alone.connection,
    [Symbol.asyncDispose]: async () => {
      for (const { connection, instance } of new Set([planning, data, alone])) {
        connection.closeSync();
        instance.closeSync();
      }
    },
  };
}

async function openData(open: EngineOpen, { threads, mount }: { threads: number; mount: Mount }) {
  const data = await createInstance({ threads, memoryBytes: open.memoryBytes });
  await loadArrowExtension(data.connection);
  await mount(data.connection, open, { empty: false });
  await lockDown(data.connection);
  return data;
}

export const mountArrow: Mount = (connection, open, options) => mountProducts(connection, open.products, options);

async function createInstance(limits: { threads: number; memoryBytes: number }) {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(limits.threads),
    memory_limit: `${Math.floor(limits.memoryBytes / 1024)}KiB`,
    allow_unsigned_extensions: "true",
  });
  return { instance, connection: await instance.connect() };
}

export async function lockDown(connection: DuckDBConnection): Promise<void> {
  for (const statement of LOCKDOWN) await connection.run(statement);
}
