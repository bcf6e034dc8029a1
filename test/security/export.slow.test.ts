import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { sql } from "kysely";
import t from "tap";
import { serve } from "./served.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

t.test("a hundred thousand events are exported in order, without being held in memory", async (t) => {
  const { client, db, url } = await serve(t);
  await sql`insert into security_events (seq, at, kind, severity, scenario, text, details)
    select nextval('security_event_numbers'), timestamptz '2026-01-01' + i * interval '1 second', 'log.viewed', 0, 's',
      repeat('x', 600), '{"subject": "s"}' from generate_series(1, 100000) i`.execute(db);
  const headers = { accept: "application/x-ndjson", authorization: "Bearer security~wz-operator" };
  const response = await fetch(`${url}/v1/security/events?scenario=s`, { headers });
  const heapBefore = heldBytes();
  let [bytes, lines, peak, sampled] = [0, 0, 0, 0];
  for await (const piece of response.body as AsyncIterable<Uint8Array>) {
    bytes += piece.byteLength;
    for (const byte of piece) if (byte === 10) lines += 1;
    if (bytes - sampled < 5_000_000) continue;
    sampled = bytes;
    peak = Math.max(peak, heldBytes() - heapBefore);
  }
  t.equal(lines, 100_000);
  t.ok(bytes > 70_000_000, `${bytes} bytes`);
  t.ok(peak < 16_000_000, `${peak} bytes held beside ${bytes} of export`);
  const found = await client("security").security.page({ scenario: "s", text: "no such text" });
  t.match(found, { items: [] }, "a search that finds nothing looks through all of them");
});

function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
