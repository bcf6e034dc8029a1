import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sqlText } from "./quoting.ts";
import type { IngestSession } from "./session.ts";
import { addSegment, type Segment, type SubjectRegistry } from "./subject-index.ts";
import { requireDense } from "./subject-segment.ts";

/** A lookup opens all of them, and their digests are computed each time. */
const MOST_SEGMENTS = 8;

/**
 * Makes one segment of the last ones when there are too many. INVARIANT: the new one is durable and listed before an
 * old one is removed, so a process that ends in between leaves files that nobody lists, no less.
 */
export async function compactRegistry(session: IngestSession, registry: SubjectRegistry): Promise<SubjectRegistry> {
  const { directory, segments } = registry;
  if (segments.length <= MOST_SEGMENTS) return registry;
  const merged = segmentsToMerge(segments);
  const { first } = merged[0]!;
  const subjects = merged.reduce((sum, segment) => sum + segment.subjects, 0);
  const path = join(session.workDirectory, "compacted.parquet");
  const sources = merged.map((segment) => sqlText(join(directory, segment.path))).join(", ");
  await session.connection.run(`COPY (FROM read_parquet([${sources}])) TO ${sqlText(path)} (FORMAT parquet)`);
  await requireDense(session.connection, { path, first, subjects });
  const compacted = await addSegment(registry, { path, first, subjects });
  await rm(path);
  return compacted;
}

/**
 * From the last one on as long as the one before is not more than twice as large as all behind it, two at least: so a
 * subject is written again a number of times that grows as the logarithm of the registry only.
 */
function segmentsToMerge(segments: readonly Segment[]): Segment[] {
  let from = segments.length - 2;
  let subjects = segments[from]!.subjects + segments[from + 1]!.subjects;
  while (from > 0 && segments[from - 1]!.subjects <= 2 * subjects) {
    from -= 1;
    subjects += segments[from]!.subjects;
  }
  return segments.slice(from);
}
