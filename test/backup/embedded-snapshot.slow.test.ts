/** An embedded database has one connection: what a backup makes others wait for. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import t from "tap";
import { writeBackup } from "#backup/index.ts";
import type { Database } from "#persistence/index.ts";
import { openTestDatabase } from "../persistence/databases.ts";
import { openDirectory } from "../persistence/object-directory.ts";

const ROWS = 60_000;

async function addEvents(db: Database, first: number, last: number): Promise<void> {
  await sql`insert into security_events (seq, at, kind, severity, text, details)
    select n, now(), 'job.ended', 0, 'a job ended', jsonb_build_object('text', repeat('x', 200))
    from generate_series(${first}::int, ${last}::int) n`.execute(db);
}

t.test("others write on while the rows of an embedded database are backed up, as of one moment", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-snapshot-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const { handle } = await openTestDatabase(t, "embedded");
  await addEvents(handle.db, 1, ROWS);
  const [dataDirectory, to] = [join(directory, "data"), join(directory, "backup")];
  const storage = await openDirectory(dataDirectory);
  const stop = new AbortController();
  let written = ROWS;
  const others = (async () => {
    while (!stop.signal.aborted) {
      await addEvents(handle.db, written + 1, written + 1);
      written += 1;
      await sleep(1);
    }
  })();
  const policies = `sha256:${"0".repeat(64)}`;
  try {
    await writeBackup({ handle, dataDirectory, storage, to, products: false, policies, nowMs: Date.now() });
  } finally {
    stop.abort();
    await others;
  }
  const lines = readFileSync(join(to, "tables", "security_events.ndjson"), "utf8")
    .trim()
    .split("\n");
  const numbers = lines.map((line) => (JSON.parse(line) as { seq: number }).seq).toSorted((a, b) => a - b);
  t.equal(numbers.at(-1), numbers.length, "a beginning of what was written, without a gap");
  t.ok(numbers.length >= ROWS);
  const later = written - numbers.length;
  t.ok(later > 10, `${later} rows were written after that moment and before the backup's end`);
});
