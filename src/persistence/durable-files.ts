import { closeSync, fsyncSync, openSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { PGlite, postgresMod } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";

type ModuleOptions = Partial<postgresMod.PostgresMod>;

/** What Emscripten's NODEFS gives that the types of PGlite do not name. */
interface NodeFsModule {
  NODEFS: { stream_ops: { fsync?: (stream: NodeFsStream) => number }; realPath(node: unknown): string };
}

interface NodeFsStream {
  /** Absent for directories. */
  nfd?: number;
  node: unknown;
}

/** PGlite's files in a directory of the host, with the fsync that Emscripten's NODEFS leaves out. */
export class DurableFiles extends NodeFS {
  override async init(pg: PGlite, options: ModuleOptions): Promise<{ emscriptenOpts: ModuleOptions }> {
    const { emscriptenOpts } = await super.init(pg, options);
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...preRunsOf(emscriptenOpts), addFsync] } };
  }
}

function preRunsOf(options: ModuleOptions): ((module: postgresMod.PostgresMod) => void)[] {
  const before = options.preRun;
  if (before === undefined) return [];
  return Array.isArray(before) ? before : [before];
}

function addFsync(module: unknown): void {
  const { NODEFS } = module as NodeFsModule;
  NODEFS.stream_ops.fsync = (stream) => {
    if (stream.nfd === undefined) syncDirectory(NODEFS.realPath(stream.node));
    else fsyncSync(stream.nfd);
    return 0;
  };
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Flushes a directory and what lies in it, `depth` levels down. */
export async function syncTree(path: string, depth = Number.POSITIVE_INFINITY): Promise<void> {
  const entries = depth > 0 ? await readdir(path, { withFileTypes: true }) : [];
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await syncTree(child, depth - 1);
    else if (entry.isFile()) await syncFile(child);
  }
  await syncFile(path);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  await file.sync();
  await file.close();
}
