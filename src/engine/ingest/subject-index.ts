import { chmod, copyFile, constants, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Type, type Static } from "typebox";
import { Value } from "typebox/value";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256, sha256OfFile } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";
import { syncDirectory, writeDurably } from "./publish.ts";

/** Goes up with every change of what the index or a segment holds. */
const FORMAT = "sluice-subjects/1";
const INDEX = "registry.json";
const SEGMENT = /^subjects-\d{8}\.parquet$/;
const DRAFT = /\.partial$/;
/** What was there before there was an index: without digests, and with keys in another form. */
const OLD_SEGMENT = /^segment-\d+\.parquet$/;

const Segment = Type.Object(
  {
    path: Type.String({ pattern: SEGMENT.source }),
    /** Of its ordinals, which are dense. */
    first: Type.Integer({ minimum: 0 }),
    subjects: Type.Integer({ minimum: 1 }),
    bytes: Type.Integer({ minimum: 1 }),
    digest: Type.String(),
  },
  { additionalProperties: false },
);
export type Segment = Static<typeof Segment>;

const Index = Type.Object(
  { format: Type.Literal(FORMAT), segments: Type.Array(Segment), digest: Type.String() },
  { additionalProperties: false },
);

/**
 * What the index says: immutable Parquet segments, one behind the other. It is replaced in one step, so that whatever
 * ends a process, the registry is the one before or the one after. A file that it does not list is nobody's.
 */
export interface SubjectRegistry {
  directory: string;
  segments: readonly Segment[];
}

/** Makes the directory of the registry, which only its owner may enter. */
export async function makeRegistryDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
}

/**
 * Reads the registry, compares every segment with its digest and removes what a killed process left. The caller holds
 * the lock. @throws AppError `subject_registry_damaged`: an ordinal must never be given twice, nor to two keys.
 */
export async function openRegistry(directory: string): Promise<SubjectRegistry> {
  const names = await readdir(directory);
  if (!names.includes(INDEX)) {
    if (names.some((name) => OLD_SEGMENT.test(name))) throw otherFormat();
    if (names.some((name) => SEGMENT.test(name))) throw damaged(INDEX, "missing");
    return await replaceIndex({ directory, segments: [] });
  }
  const segments = parseIndex(await readFile(join(directory, INDEX), "utf8"));
  for (const segment of segments) await verifySegment(directory, segment);
  const listed = new Set(segments.map(({ path }) => path));
  const nobodys = names.filter((name) => DRAFT.test(name) || (SEGMENT.test(name) && !listed.has(name)));
  for (const name of nobodys) await rm(join(directory, name), { force: true });
  return { directory, segments };
}

/** The next ordinal: they are dense over all segments. */
export function nextOrdinal({ segments }: SubjectRegistry): number {
  const last = segments.at(-1);
  return last ? last.first + last.subjects : 0;
}

export interface NewSegment {
  /** Outside the directory. */
  path: string;
  first: number;
  subjects: number;
}

/** The registry with a segment behind, or in place of, its last ones; durable when this returns. */
export async function addSegment(
  registry: SubjectRegistry,
  { path, first, subjects }: NewSegment,
): Promise<SubjectRegistry> {
  const { directory } = registry;
  const kept = registry.segments.filter((segment) => segment.first < first);
  const numbers = registry.segments.map((segment) => Number(/\d+/.exec(segment.path)![0]));
  const name = `subjects-${String(Math.max(0, ...numbers) + 1).padStart(8, "0")}.parquet`;
  const draft = join(directory, `${name}.partial`);
  await copyFile(path, draft, constants.COPYFILE_FICLONE);
  await makeDurable(draft);
  const digest = await sha256OfFile(draft);
  const { size: bytes } = await stat(draft);
  await rename(draft, join(directory, name));
  const next = await replaceIndex({ directory, segments: [...kept, { path: name, first, subjects, bytes, digest }] });
  const replaced = registry.segments.filter((segment) => segment.first >= first);
  for (const segment of replaced) await rm(join(directory, segment.path), { force: true });
  return next;
}

async function replaceIndex({ directory, segments }: SubjectRegistry): Promise<SubjectRegistry> {
  const draft = `${INDEX}.partial`;
  await rm(join(directory, draft), { force: true });
  const content = { format: FORMAT, segments: [...segments] };
  await writeDurably(directory, draft, canonicalJson({ ...content, digest: sha256(canonicalJson(content)) }));
  await chmod(join(directory, draft), 0o600);
  // the segments' names are durable before an index lists them
  await syncDirectory(directory);
  await rename(join(directory, draft), join(directory, INDEX));
  await syncDirectory(directory);
  return { directory, segments };
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
}

function parseIndex(text: string): Segment[] {
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch {
    throw damaged(INDEX, "form");
  }
  const format = (index as { format?: unknown } | null)?.format;
  if (typeof format === "string" && /^sluice-subjects\/\d+$/.test(format) && format !== FORMAT) throw otherFormat();
  if (!Value.Check(Index, index)) throw damaged(INDEX, "form");
  const { digest, ...content } = index;
  if (sha256(canonicalJson(content)) !== digest) throw damaged(INDEX, "digest");
  let next = 0;
  for (const { path, first, subjects } of index.segments) {
    if (first !== next) throw damaged(path, "gap");
    next += subjects;
  }
  return index.segments;
}

async function verifySegment(directory: string, { path, bytes, digest }: Segment): Promise<void> {
  const file = join(directory, path);
  const size = await stat(file).then(
    (status) => status.size,
    () => undefined,
  );
  if (size === undefined) throw damaged(path, "missing");
  if (size !== bytes) throw damaged(path, "size");
  if ((await sha256OfFile(file)) !== digest) throw damaged(path, "digest");
}

/** @returns the error of a part that is not as it was written */
export function damaged(part: string, reason: string): AppError {
  return new AppError(
    "subject_registry_damaged",
    "the registry of subjects is damaged: bring governance/subjects back from a backup that is as new as the products",
    { details: { part, reason } },
  );
}

function otherFormat(): AppError {
  return new AppError(
    "subject_registry_damaged",
    "the registry of subjects has a format that this version does not read: move governance/subjects away and ingest " +
      "every product with a subject key again",
    { details: { part: INDEX, reason: "format" } },
  );
}
