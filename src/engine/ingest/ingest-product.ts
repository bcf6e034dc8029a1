import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PRODUCT_FORMAT, type ProductManifest, type ProductSpec } from "#contract/product.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { systemClock, type Clock } from "#kernel/clock.ts";
import { sha256, type Digest } from "#kernel/digest.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import { profileSource, twoDigits, type Profile } from "./checks.ts";
import { encodeDictionaries } from "./dictionaries.ts";
import { engineFailure, ingestFailed, isEngineError } from "./failure.ts";
import { openSource } from "./open-source.ts";
import { publishDirectory, writeDurably } from "./publish.ts";
import { openSession, type IngestSession } from "./session.ts";
import type { OpenedSource } from "./source.ts";
import { numberSubjects } from "./subjects.ts";
import { writeFiles, type WrittenFiles } from "./write-files.ts";

export interface IngestOptions {
  spec: ProductSpec;
  /** Final directory of the version; it must not exist. */
  directory: string;
  /** Governance directory with the ordinals of all subjects of the deployment; needed for a product with a subject key. */
  subjectsDirectory?: string;
  /** Called at least every 250 ms with the rows written so far (0 while the source is read and judged). */
  onProgress?: (rows: number) => void;
  signal?: AbortSignal;
  /** What the process may hold resident, 1 GiB by default. Larger sorts and counts spill to disk. */
  memoryBytes?: number;
  /** A record batch of all files ends before it has more bytes, a sixteenth of the memory by default. */
  bytesPerBatch?: number;
  /** Rows whose ordinals are in memory at once, 16,777,216 by default. */
  rowsPerWindow?: number;
  clock?: Clock;
}

export interface IngestResult {
  manifest: ProductManifest;
  /** Digest of `manifest.json`; names the version. */
  manifestDigest: Digest;
}

const DEFAULT_MEMORY_BYTES = 1 << 30;
/** Of the memory: a batch under way is held twice when its buffers grow, and what was outgrown waits to be collected. */
const BATCH_SHARE = 16;
const LEAST_BATCH_BYTES = 16 * 1024 * 1024;
const PROGRESS_INTERVAL_MS = 200;

/**
 * Makes a product version of a source. Throws `ingest_failed` (details: `row`, `column`) when the source is at fault,
 * `conflict` when the directory exists. Nothing is left behind unless the whole version is in its place.
 */
export async function ingestProduct(options: IngestOptions): Promise<IngestResult> {
  checkSpec(options.spec);
  if (options.signal?.aborted) throw cancelled();
  const progress = startProgress(options);
  try {
    return await publishDirectory(options.directory, (partial) => ingestInto(partial, options, progress));
  } catch (error) {
    if (options.signal?.aborted) throw cancelled();
    throw safeFailure(error);
  } finally {
    progress.stop();
  }
}

function cancelled(): AppError {
  return ingestFailed("the ingest was cancelled");
}

/** System failures (no space, no permission) tell their code; a bug stays what it is. */
function safeFailure(error: unknown): unknown {
  if (isAppError(error)) return error;
  if (isEngineError(error)) return engineFailure(error, "the source could not be read as it was declared");
  if (error instanceof RangeError) return ingestFailed("a column has more data in one batch than a file can hold");
  const code = (error as { code?: unknown }).code;
  if (typeof code !== "string") return error;
  return new AppError("ingest_failed", "the files of the version could not be written", { details: { system: code } });
}

function checkSpec({ columns, subjectKey }: ProductSpec): void {
  const names = columns.map(({ name }) => name.toLowerCase());
  const repeated = columns.find(({ name }, i) => names.indexOf(name.toLowerCase()) !== i);
  // SQL does not tell upper from lower case in names
  if (repeated) throw ingestFailed("a column is declared twice", { column: repeated.name });
  if (subjectKey !== undefined && !columns.some(({ name }) => name === subjectKey)) {
    throw ingestFailed("the subject key is not among the declared columns", { column: subjectKey });
  }
}

async function ingestInto(partial: string, options: IngestOptions, progress: Progress): Promise<IngestResult> {
  const work = join(partial, "work");
  await mkdir(work, { mode: 0o700 });
  const manifest = await buildVersion({ partial, work, options, progress });
  await rm(work, { recursive: true, force: true });
  const text = canonicalJson(manifest);
  await writeDurably(partial, "manifest.json", text);
  return { manifest, manifestDigest: sha256(text) };
}

interface Build {
  partial: string;
  work: string;
  options: IngestOptions;
  progress: Progress;
}

async function buildVersion({ partial, work, options, progress }: Build): Promise<ProductManifest> {
  const { spec, signal, memoryBytes = DEFAULT_MEMORY_BYTES } = options;
  const bytesPerBatch = options.bytesPerBatch ?? Math.max(LEAST_BATCH_BYTES, memoryBytes / BATCH_SHARE);
  using session = await openSession({
    workDirectory: work,
    memoryBytes,
    signal,
  });
  using _interruption = interruptOnAbort(session);
  const { connection } = session;
  const source = await openSource(session, spec);
  const profile = await profileSource(connection, source, spec.subjectKey);
  using subjects = await numberSubjects(session, source, {
    subjectKey: spec.subjectKey,
    directory: options.subjectsDirectory,
    rowCount: profile.rowCount,
    rowsPerWindow: options.rowsPerWindow,
  });
  if (subjects) profile.approxDistinct[subjects.column] = subjects.count;
  const expressions = await encodeDictionaries(connection, source, profile);
  const onRows = (rows: number): void => progress.report(rows);
  const target = { spec, directory: partial, bytesPerBatch, onRows, signal };
  const written = await writeFiles(connection, { ...target, relation: source.relation, expressions, subjects });
  await source.checkUnchanged();
  signal?.throwIfAborted();
  const createdAt = new Date((options.clock ?? systemClock).nowMs()).toISOString();
  return {
    ...describeVersion({ spec, source, profile, written }),
    ...(subjects ? { subjectCount: subjects.count } : {}),
    createdAt,
  };
}

interface Described {
  spec: ProductSpec;
  source: OpenedSource;
  profile: Profile;
  written: WrittenFiles;
}

function describeVersion({ spec, source, profile, written }: Described): Omit<ProductManifest, "createdAt"> {
  return {
    format: PRODUCT_FORMAT,
    product: spec.id,
    ...(spec.subjectKey === undefined ? {} : { subjectKey: spec.subjectKey }),
    grade: spec.grade,
    rowCount: written.rowCount,
    columns: spec.columns.map(({ name, role, grade, generalise, bounds }, i) => ({
      name,
      role,
      grade,
      type: written.types[i]!,
      ...(generalise ? { generalise } : {}),
      ...(bounds ? { bounds } : {}),
      nullCount: written.nullCounts[i]!,
      approxDistinct: twoDigits(profile.approxDistinct[i]!),
    })),
    files: written.files,
    sourceDigest: source.digest,
  };
}

/** A query under way ends at once when the ingest is cancelled. */
function interruptOnAbort({ connection, signal }: IngestSession): Disposable {
  const interrupt = (): void => connection.interrupt();
  signal?.addEventListener("abort", interrupt);
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", interrupt) };
}

interface Progress {
  report(rows: number): void;
  stop(): void;
}

function startProgress({ onProgress }: IngestOptions): Progress {
  if (!onProgress) return { report: () => undefined, stop: () => undefined };
  let rows = 0;
  let toldAt = performance.now();
  const tell = (): void => {
    toldAt = performance.now();
    onProgress(rows);
  };
  const timer = setInterval(tell, PROGRESS_INTERVAL_MS);
  return {
    report(count) {
      rows = count;
      if (performance.now() - toldAt >= PROGRESS_INTERVAL_MS) tell();
    },
    stop: () => clearInterval(timer),
  };
}
