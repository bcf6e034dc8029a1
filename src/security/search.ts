import { type Selectable, type SelectQueryBuilder, sql } from "kysely";
import { type SecurityEvent, type SecurityEventKind, SEVERITIES } from "#contract/security.ts";
import { AppError } from "#kernel/errors.ts";
import { parseCursor } from "#kernel/page.ts";
import type { Database, Schema, SecurityEventRow } from "#persistence/index.ts";

export interface EventFilter {
  job?: string | undefined;
  organisation?: string | undefined;
  scenario?: string | undefined;
  kinds?: readonly SecurityEventKind[] | undefined;
  /** This severity and above. */
  severity?: SecurityEvent["severity"] | undefined;
  since?: Date | undefined;
  /** Before this instant. */
  until?: Date | undefined;
  /** Part of the text, in any case. */
  text?: string | undefined;
}

/** A place between events in the order of their time. */
interface Position {
  at: Date;
  seq: number;
}

export interface EventPage {
  items: SecurityEvent[];
  /** Where to go on; a page may be short, or empty, before the last. */
  next?: string;
}

/**
 * Texts are compared, not indexed (the two databases have no index for parts of texts in common): a search looks at
 * so many events a statement, so that no statement is long, and at so many a page, and says where it stopped.
 */
const SLICES_A_PAGE = [1_000, 4_000, 16_000, ...Array<number>(9).fill(20_000)];

/** Events newest first. Stable while others write: what is newer than the first page is not on a later one. */
export async function searchEvents(
  db: Database,
  filter: EventFilter,
  page: { limit: number; cursor?: string | undefined },
): Promise<EventPage> {
  const before = parsePosition(page.cursor);
  if (filter.text === undefined) {
    const rows = await newest(db, filter, { before, limit: page.limit + 1 });
    return pageOf(rows.slice(0, page.limit), rows.length > page.limit ? rows[page.limit - 1] : undefined);
  }
  return searchText(db, filter, { limit: page.limit, before });
}

async function searchText(
  db: Database,
  filter: EventFilter,
  { limit, before }: { limit: number; before: Position | undefined },
): Promise<EventPage> {
  const found: Selectable<SecurityEventRow>[] = [];
  let position = before;
  for (const size of SLICES_A_PAGE) {
    const end = await sliceEnd(db, filter, { before: position, size });
    const rows = await newest(db, filter, { before: position, from: end, limit: limit - found.length + 1 });
    found.push(...rows);
    if (found.length > limit) return pageOf(found.slice(0, limit), found[limit - 1]);
    if (!end) return pageOf(found, undefined);
    position = end;
  }
  return pageOf(found, position);
}

/** The last event of the next slice; undefined when the rest is shorter than a slice. */
async function sliceEnd(
  db: Database,
  filter: EventFilter,
  { before, size }: { before: Position | undefined; size: number },
): Promise<Position | undefined> {
  const { text: _text, ...indexed } = filter;
  const query = where(db.selectFrom("security_events"), indexed, { before }).select(["at", "seq"]);
  return query
    .orderBy("at", "desc")
    .orderBy("seq", "desc")
    .offset(size - 1)
    .limit(1)
    .executeTakeFirst();
}

async function newest(
  db: Database,
  filter: EventFilter,
  range: { before?: Position | undefined; from?: Position | undefined; limit: number },
): Promise<Selectable<SecurityEventRow>[]> {
  const query = where(db.selectFrom("security_events"), filter, range).selectAll();
  return query.orderBy("at", "desc").orderBy("seq", "desc").limit(range.limit).execute();
}

const TAIL_BATCH = 200;
/** A rare filter looks at so many events a statement. */
const TAIL_SPAN = 50_000;

/** Reads on in the order in which events were written. */
export interface EventTail {
  /** What came since the last call, a batch at most; `more` when the next call need not wait. */
  next(): Promise<{ events: SecurityEvent[]; position: number; more: boolean }>;
}

/** Begins after a number, at an instant, or with what is written from now on. */
export async function openTail(
  db: Database,
  filter: EventFilter,
  start: { after?: number | undefined; since?: Date | undefined },
): Promise<EventTail> {
  const { after, since } = start;
  let position = after ?? (since === undefined ? await lastSeq(db) : await seqBefore(db, since));
  return {
    next: async () => {
      const last = await lastSeq(db);
      const upTo = Math.min(last, position + TAIL_SPAN);
      if (upTo <= position) return { events: [], position, more: false };
      const events = await eventsBetween(db, filter, { after: position, upTo });
      position = events.length === TAIL_BATCH ? events.at(-1)!.seq : upTo;
      return { events, position, more: position < last };
    },
  };
}

/** Number of the newest event, 0 without any. */
async function lastSeq(db: Database): Promise<number> {
  const row = await db
    .selectFrom("security_events")
    .select(({ fn }) => fn.max("seq").as("seq"))
    .executeTakeFirst();
  return row?.seq ?? 0;
}

/** Number before the first event at or after an instant. */
async function seqBefore(db: Database, since: Date): Promise<number> {
  const query = db.selectFrom("security_events").select(({ fn }) => fn.min("seq").as("seq"));
  const row = await query.where("at", ">=", since).executeTakeFirst();
  return row?.seq ? row.seq - 1 : lastSeq(db);
}

async function eventsBetween(
  db: Database,
  filter: EventFilter,
  { after, upTo }: { after: number; upTo: number },
): Promise<SecurityEvent[]> {
  const query = where(db.selectFrom("security_events"), filter, {}).selectAll();
  const between = query.where("seq", ">", after).where("seq", "<=", upTo);
  return (await between.orderBy("seq").limit(TAIL_BATCH).execute()).map(toEvent);
}

const EXPORT_BATCH = 1000;

/** Every event of the filter that was written when this began, oldest first, a batch at a time. */
export async function* exportEvents(db: Database, filter: EventFilter): AsyncGenerator<SecurityEvent[], void> {
  const upTo = await lastSeq(db);
  let after: Position | undefined;
  for (;;) {
    const query = where(db.selectFrom("security_events"), filter, { after }).selectAll().where("seq", "<=", upTo);
    const rows = await query.orderBy("at").orderBy("seq").limit(EXPORT_BATCH).execute();
    if (rows.length > 0) yield rows.map(toEvent);
    if (rows.length < EXPORT_BATCH) return;
    after = rows.at(-1);
  }
}

interface Range {
  /** Excluded, older than this. */
  before?: Position | undefined;
  /** Included, this and newer. */
  from?: Position | undefined;
  /** Excluded, newer than this. */
  after?: Position | undefined;
}

type Events = SelectQueryBuilder<Schema, "security_events", object>;

function where(events: Events, filter: EventFilter, range: Range): Events {
  let query = events;
  const { job, organisation, scenario, kinds, severity, since, until, text } = filter;
  if (job !== undefined) query = query.where("job", "=", job);
  if (organisation !== undefined) query = query.where("organisation", "=", organisation);
  if (scenario !== undefined) query = query.where("scenario", "=", scenario);
  if (kinds !== undefined && kinds.length > 0) query = query.where("kind", "in", [...kinds]);
  // a literal, so that the planner sees that the partial indexes hold it
  if (severity !== undefined) query = query.where(sql<boolean>`severity >= ${sql.lit(SEVERITIES.indexOf(severity))}`);
  if (since !== undefined) query = query.where("at", ">=", since);
  if (until !== undefined) query = query.where("at", "<", until);
  if (text !== undefined) query = query.where("text", "ilike", `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`);
  return within(query, range);
}

function within(events: Events, { before, from, after }: Range): Events {
  let query = events;
  if (before) query = query.where(sql<boolean>`(at, seq) < (${before.at}, ${before.seq})`);
  if (from) query = query.where(sql<boolean>`(at, seq) >= (${from.at}, ${from.seq})`);
  if (after) query = query.where(sql<boolean>`(at, seq) > (${after.at}, ${after.seq})`);
  return query;
}

function pageOf(rows: readonly Selectable<SecurityEventRow>[], last: Position | undefined): EventPage {
  const items = rows.map(toEvent);
  if (!last) return { items };
  return { items, next: Buffer.from(`${last.at.getTime()}_${last.seq}`).toString("base64url") };
}

function parsePosition(cursor: string | undefined): Position | undefined {
  const text = parseCursor(cursor);
  if (text === undefined) return undefined;
  const [, at, seq] = /^(\d{1,15})_(\d{1,15})$/.exec(text) ?? [];
  if (at === undefined || seq === undefined) throw new AppError("invalid_cursor");
  return { at: new Date(Number(at)), seq: Number(seq) };
}

function toEvent(row: Selectable<SecurityEventRow>): SecurityEvent {
  const place = { job: row.job, organisation: row.organisation, scenario: row.scenario };
  const known = { ...place, runner: row.runner, confinement: row.confinement };
  return {
    id: `evt_${row.seq}`,
    seq: row.seq,
    at: row.at.toISOString(),
    kind: row.kind,
    severity: SEVERITIES[row.severity]!,
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null)),
    text: row.text,
    details: row.details,
  };
}
