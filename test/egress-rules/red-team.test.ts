import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import t from "tap";
import type { MountedProduct } from "#contract/engine.ts";
import { REASON_CODES } from "#contract/job.ts";
import { ARROW_EXTENSION_PATH } from "#engine/native/index.ts";
import { startEngine, type EngineProcess } from "../engine/session/engine-process.ts";
import { NOISE_KEY, PROFILE } from "../engine/session/profile.ts";
import { writeProduct } from "../engine/native/products.ts";

const PAYLOADS = fileURLToPath(new URL("../../../shared/redteam/sql/", import.meta.url));
const CANARY = "CANARY-7f3a";
const missing = !existsSync(PAYLOADS)
  ? "no payloads in ../shared"
  : !existsSync(ARROW_EXTENSION_PATH)
    ? "the native extension is not built"
    : false;
const directory = await mkdtemp(join(tmpdir(), "sluice-redteam-"));
t.teardown(() => rm(directory, { recursive: true }));

async function people(): Promise<MountedProduct> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const relation = `(SELECT i::UINTEGER AS id, '${CANARY}-' || i AS name, 1000 + i AS salary FROM range(50) r(i))`;
  const written = await writeProduct(connection, { id: "people", relation, directory });
  connection.closeSync();
  instance.closeSync();
  const roles = { id: "subject_key", name: "identifier", salary: "measure" } as const;
  return {
    ...written,
    subjectKey: "id",
    columns: written.columns.map((column) => ({ ...column, role: roles[column.name as keyof typeof roles] })),
  };
}

async function openEngine(product: MountedProduct): Promise<EngineProcess> {
  const engine = await startEngine();
  const open = {
    op: "open",
    id: 1,
    scenario: "s",
    visibility: "aggregates",
    products: [product],
    joins: [],
    threads: 1,
    memoryBytes: 1 << 28,
  };
  const { header } = await engine.ask(open);
  if (header["ok"] !== true) throw new Error("the product was not mounted");
  return engine;
}

const TIME_MS = 3_000;

t.test(
  "hostile statements are refused, or end with the process; nothing of the data comes out",
  { skip: missing, timeout: 110_000 },
  async (t) => {
    const product = await people();
    let engine = await openEngine(product);
    const outcomes: Record<string, number> = {};
    for (const name of (await readdir(PAYLOADS)).toSorted()) {
      const sql = await readFile(join(PAYLOADS, name), "utf8");
      const query = {
        op: "query",
        id: 2,
        statement: 1,
        sql,
        parameters: {},
        profile: PROFILE,
        noiseKey: NOISE_KEY,
        validateOnly: false,
        maxRows: 100,
        maxBytes: 1 << 20,
      };
      const timer = Promise.withResolvers<"timeout">();
      const clock = setTimeout(() => timer.resolve("timeout"), TIME_MS);
      const answer = await Promise.race([engine.ask(query), engine.ended.then(() => "ended" as const), timer.promise]);
      clearTimeout(clock);
      if (answer === "timeout" || answer === "ended") {
        outcomes[answer] = (outcomes[answer] ?? 0) + 1;
        t.comment(`${name}: ${answer}`);
        await engine.kill();
        engine = await openEngine(product);
        continue;
      }
      // What a developer can read: the header, and the release and rows (parts 1 and 2) of an answer; never part 0.
      const visible = [
        JSON.stringify(answer.header),
        ...answer.parts.slice(1).map((part) => Buffer.from(part).toString("latin1")),
      ].join("\n");
      t.notOk(visible.includes(CANARY), `${name} brings no value out`);
      if (answer.header["ok"] === true) {
        const facts = answer.header["facts"] as { products: string[]; suppressedCells: number };
        t.ok(facts.products.length === 0 || answer.header["label"] === "safe", `${name} is judged`);
        t.comment(`${name}: answered ${JSON.stringify(facts)}`);
      } else {
        t.ok(Object.hasOwn(REASON_CODES, String(answer.header["code"])), `${name} has a code of the closed list`);
      }
      const outcome = answer.header["ok"] === true ? "answered" : String(answer.header["code"]);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    t.comment(JSON.stringify(outcomes));
    await engine[Symbol.asyncDispose]();
  },
);
