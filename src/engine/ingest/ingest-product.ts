import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ProductManifest, ProductSpec } from "#contract/product.ts";
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
import { numberSubjects, requireOrdinals } from "./subjects.ts";
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
  /** A record batch of all files ends before it has more bytes, 128 MiB by default. */
  bytesPerBatch?: number;
  clock?: Clock;
}

export interface IngestResult {
  manifest: ProductManifest;
  /** Digest of `manifest.json`; names the version. */
  manifestDigest: Digest;
}

const DEFAULT_MEMORY_BYTES = 1 << 30;
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
  const { spec, signal, bytesPerBatch } = options;
  using session = await openSession({
    workDirectory: work,
    memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
    signal,
  });
  using _interruption = interruptOnAbort(session);
  const { connection } = session;
  const source = await openSource(session, spec);
  const profile = await profileSource(connection, source, spec.subjectKey);
  const encoded = await encodeDictionaries(connection, source, profile);
  const declared = { subjectKey: spec.subjectKey, directory: options.subjectsDirectory };
  const subjects = await numberSubjects(session, source, declared);
  const expressions = encoded.map((expression, i) => (i === subjects?.column ? subjects.ordinal : expression));
  const realKey = subjects && encoded[subjects.column];
  const relation = subjects?.relation ?? source.relation;
  const onRows = (rows: number): void => progress.report(rows);
  const target = { spec, directory: partial, bytesPerBatch, onRows, signal };
  const written = await writeFiles(connection, { ...target, relation, expressions, realKey });
  requireOrdinals(subjects, written.nullCounts);
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
    format: "sluice-product/1",
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
