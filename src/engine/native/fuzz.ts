/** `make fuzz-arrow`: `node src/engine/native/fuzz.ts` damages a file of many types 100,000 times, on each of the seeds. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { openArrowFiles } from "../arrow/index.ts";
import { buildArrowFuzzer } from "./build.ts";

const CASES = 100_000;
const SEED = 1;

/** Columns of each kind of buffer: bits, fixed width, offsets, dictionaries, nested. Small, so that damage hits. */
const CORPUS = `SELECT CASE WHEN i % 5 > 0 THEN i % 2 = 0 END AS bits, i::INTEGER AS whole,
  CASE WHEN i % 7 > 0 THEN i / 4.0 END AS real, (i - 20)::HUGEINT AS huge, (i * 1.25)::DECIMAL(9,2) AS decimal9,
  i::DECIMAL(4,0) AS decimal4, (i * 1.25)::DECIMAL(18,2) AS decimal18,
  (i * 1.25)::DECIMAL(30,2) AS decimal30, DATE '2020-01-01' + i::INTEGER AS day, make_timestamp(i * 1000000) AS moment,
  md5(i::VARCHAR)::UUID AS uuid, to_days(i::INTEGER) AS span, repeat('text', (i % 8)::INTEGER) AS text,
  encode('blob ' || i::VARCHAR) AS bytes, (['a', 'bb', 'a long label of the domain'])[1 + i % 3]::ENUM('a', 'bb',
  'a long label of the domain') AS code, CASE WHEN i % 3 > 0 THEN [i, NULL, i + 1] END AS list,
  [['x', 'a string of more than twelve'], NULL] AS lists, {'a': i, 'b': CASE WHEN i % 2 = 0 THEN 'member' END} AS struct,
  [{'k': i::UTINYINT}, NULL] AS structs, [i, 2, NULL]::INTEGER[3] AS array, MAP {'key': i} AS map
  FROM range(60) t(i)`;

async function writeCorpus(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const result = await connection.stream(CORPUS);
  const columns = result.columnNames().map((name, index) => ({ name, type: result.columnType(index), index }));
  using writer = openArrowFiles([{ path, columns }], { rowsPerBatch: 25 });
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    writer.append(chunk);
  }
  writer.finish();
  connection.closeSync();
  instance.closeSync();
}

if (import.meta.main) {
  const directory = await mkdtemp(join(tmpdir(), "sluice-fuzz-"));
  try {
    const path = join(directory, "corpus.arrow");
    await writeCorpus(path);
    const child = spawn(await buildArrowFuzzer(), [path, String(CASES), String(SEED)], { stdio: "inherit" });
    const [code] = (await once(child, "exit")) as [number | null];
    process.exitCode = code ?? 1;
  } finally {
    await rm(directory, { recursive: true });
  }
}
