import { readdir } from "node:fs/promises";
import { sql } from "kysely";
import tap from "tap";
import { openDatabase } from "#persistence/index.ts";

await tap.test("a first start that was interrupted is begun anew", async (t) => {
  const directory = t.testdir({ "pgdata-initialising": { PG_VERSION: "18\n", base: {} } });
  await using handle = await openDatabase({ kind: "embedded", directory });
  const { rows } = await sql<{ one: number }>`select 1 as one`.execute(handle.db);
  t.strictSame(rows, [{ one: 1 }]);
  const names = (await readdir(directory)).filter((name) => !name.endsWith(".sock"));
  t.strictSame(names.toSorted(), ["lock", "pgdata"]);
});
