import { mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { tableFromIPC } from "apache-arrow";
import t from "tap";
import type { ScriptTable } from "../../../src/contract/script-table.ts";
import type { MountedProduct } from "#contract/engine.ts";
import { EngineAnswer } from "#contract/engine.ts";
import { Value } from "typebox/value";
import { ARROW_EXTENSION_PATH } from "#engine/native/index.ts";
import { writeProduct } from "../native/products.ts";
import { startEngine } from "./engine-process.ts";
import { NOISE_KEY, PROFILE } from "./profile.ts";

const directory = await mkdtemp(join(tmpdir(), "sluice-engine-"));
t.teardown(() => rm(directory, { recursive: true }));

const ROLES = { person: "subject_key", district: "dimension", income: "measure" } as const;

async function publish(): Promise<MountedProduct> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const relation = `(SELECT i::UINTEGER AS person, CASE WHEN i < 4 THEN 'Islet' WHEN i % 2 = 1 THEN 'North' ELSE 'South' END AS district,
    1000.5 + i * 37 % 501 AS income FROM range(500) r(i))`;
  const written = await writeProduct(connection, { id: "people", relation, directory });
  connection.closeSync();
  instance.closeSync();
  const columns = written.columns.map((column) => ({
    ...column,
    role: ROLES[column.name as keyof typeof ROLES],
    grade: "L3" as const,
  }));
  return { ...written, subjectKey: "person", columns };
}

const skip = existsSync(ARROW_EXTENSION_PATH) ? false : "the native extension is not built";

t.test("a process mounts a published product, judges, runs and answers over its pipes", { skip }, async (t) => {
  await using engine = await startEngine();
  t.match(engine.ready.header, { op: "ready", role: "engine" });
  const open = {
    op: "open",
    id: 1,
    scenario: "s",
    visibility: "aggregates",
    products: [await publish()],
    joins: [],
    threads: 2,
    memoryBytes: 1 << 28,
  };
  t.match((await engine.ask(open)).header, { id: 1, ok: true, op: "open" });

  const query = {
    op: "query",
    statement: 1,
    parameters: {},
    profile: PROFILE,
    noiseKey: NOISE_KEY,
    validateOnly: false,
    maxRows: 1000,
    maxBytes: 1 << 20,
  };
  const frame = await engine.ask({
    ...query,
    id: 2,
    sql: "SELECT district, count(*) AS n, avg(income) AS m FROM people GROUP BY 1",
  });
  const { parts: _lengths, ...answer } = frame.header;
  t.ok(Value.Check(EngineAnswer, answer), "the answer has the contract's form");
  t.match(answer, {
    ok: true,
    label: "safe",
    ran: true,
    facts: { suppressedBy: ["R1"], suppressedCells: 2, maxGrade: "L3" },
  });
  t.equal(frame.parts.length, 3);
  const head = JSON.parse(Buffer.from(frame.parts[2]!).toString()) as ScriptTable;
  t.match(head, { rowCount: 3, suppressed: 2, notes: [{ rule: "R1" }], layout: { batches: [{ rows: 3 }] } });
  const released = tableFromIPC(frame.parts[1]);
  t.same(
    released.toArray().map((row: { district: string; n: bigint | null }) => [row.district, row.n?.toString() ?? null]),
    [
      ["Islet", null],
      ["North", "248"],
      ["South", "248"],
    ],
  );

  const refused = await engine.ask({ ...query, id: 3, sql: "SELECT max(income) FROM people" });
  t.match(refused.header, { ok: false, code: "plan_refused", findings: [{ code: "aggregate_refused", position: 7 }] });
  t.match((await engine.ask({ ...query, id: 4, validateOnly: true, sql: "SELECT count(*) FROM people" })).header, {
    ok: true,
    ran: false,
  });
  t.match((await engine.ask({ ...query, id: 5, sql: "FROM sluice_arrow('people')" })).header, {
    ok: false,
    code: "query_invalid",
  });
  t.match(
    (await engine.ask({ ...query, id: 6, maxRows: 1, sql: "SELECT district, count(*) FROM people GROUP BY 1" })).header,
    { ok: false, code: "output_too_large", findings: [] },
  );
  t.match(
    (await engine.ask({ ...open, id: 7 })).header,
    { ok: false, code: "runner_fault" },
    "a process serves one scenario",
  );
});

t.test("a process without products makes and renders tables", async (t) => {
  await using engine = await startEngine();
  const json = Buffer.from(
    JSON.stringify({
      columns: [{ name: "a" }, { name: "b" }],
      rows: [
        [1, "x"],
        [2, null],
      ],
    }),
  );
  const made = await engine.ask({ op: "table", id: 1, name: "t", maxRows: 10, maxBytes: 1 << 20 }, [json]);
  t.match(made.header, { ok: true, op: "table", output: { rows: 2 } });
  const csv = await engine.ask({ op: "render", id: 2, format: "csv", suppressed: 0, notes: [] }, [made.parts[0]!]);
  t.match(Buffer.from(csv.parts[0]!).toString(), /a,b/);
  const bad = await engine.ask({ op: "table", id: 3, name: "t", maxRows: 10, maxBytes: 1 << 20 }, [Buffer.from("{")]);
  t.match(bad.header, { ok: false, code: "output_invalid", findings: [] });
  const broken = await engine.ask({ op: "render", id: 4, format: "json", suppressed: 0, notes: [] }, [
    Buffer.from("nothing"),
  ]);
  t.match(broken.header, { ok: false });
});

t.test("a frame that breaks the protocol ends the process", async (t) => {
  await using engine = await startEngine();
  engine.sendRaw(Buffer.from([2, 0, 0, 0, 1, 1]));
  t.equal(await engine.ended, 1);
});
