/** Commits the numbers 1, 2, 3 … to the embedded database in argv[2], telling each when it is acknowledged. */
import { writeSync } from "node:fs";
import { sql } from "kysely";
import { inTransaction, openDatabase } from "#persistence/index.ts";

const directory = process.argv[2];
// Without a directory it was taken for a test.
if (directory === undefined) process.exit(0);
const handle = await openDatabase({ kind: "embedded", directory });
await sql`create table if not exists committed (n integer primary key, padding text)`.execute(handle.db);
const { rows } = await sql<{ last: number }>`select coalesce(max(n), 0) as last from committed`.execute(handle.db);
for (let n = (rows[0]?.last ?? 0) + 1; ; n++) {
  await inTransaction(handle.db, async (tx) => {
    await sql`insert into committed values (${n}, repeat(md5(${String(n)}), 20))`.execute(tx);
  });
  writeSync(1, `${n}\n`);
}
