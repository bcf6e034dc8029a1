import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import { enterprises } from "./enterprises.ts";
import { residents } from "./residents.ts";
import { visits } from "./visits.ts";

export interface DemoSize {
  seed: number;
  residents: number;
  visits: number;
  enterprises: number;
}

export const DEFAULT_SIZE: DemoSize = { seed: 20_260_115, residents: 20_000, visits: 60_000, enterprises: 3000 };

const SPACE_FILE = new URL("./demo.space.yaml", import.meta.url);

/**
 * Fills a directory with everything that the demonstration's space file names: residents as CSV, visits as JSON,
 * enterprises as Parquet, public flights as they come from npm, and the space file itself.
 *
 * @returns the path of the space file
 */
export async function writeDemoSpace(directory: string, size: DemoSize = DEFAULT_SIZE): Promise<string> {
  await mkdir(directory, { recursive: true });
  await writeTables(directory, size);
  await copyFile(flightsFile(), join(directory, "flights-3m.parquet"));
  const space = join(directory, "demo.space.yaml");
  await writeFile(space, inForce(await readFile(SPACE_FILE, "utf8"), new Date().getUTCFullYear()));
  return space;
}

/** The package exports its script only; the data lies beside it. */
function flightsFile(): string {
  return fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));
}

const WRITTEN_IN = 2026;

/** Moves every day of the file by whole years, so that its agreements are in force this year. */
function inForce(text: string, year: number): string {
  return text.replace(/\b(\d{4})(?=-\d\d-\d\d\b)/g, (found) => String(Number(found) + year - WRITTEN_IN));
}

async function writeTables(directory: string, size: DemoSize): Promise<void> {
  // Loaded here, because the rest of the demonstration does without the native library.
  const { DuckDBInstance } = await import("@duckdb/node-api");
  // One thread: the files are then the same byte for byte on every machine.
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    for (const table of tablesOf(size)) await writeTable(connection, directory, table);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

interface DemoTable {
  name: string;
  file: string;
  copyOptions: string;
  columns: string;
  rows: Iterable<object>;
}

function tablesOf(size: DemoSize): DemoTable[] {
  return [
    {
      name: "residents",
      file: "residents.csv",
      copyOptions: "FORMAT csv, HEADER",
      columns: `id BIGINT, name VARCHAR, id_card VARCHAR, phone VARCHAR, district VARCHAR, district_code VARCHAR,
        birth_date DATE, gender VARCHAR, education VARCHAR, occupation VARCHAR, disease VARCHAR, income INTEGER`,
      rows: residents(size.seed, size.residents),
    },
    {
      name: "visits",
      file: "visits.json",
      copyOptions: "FORMAT json, ARRAY false",
      columns: `visit_id BIGINT, person_id BIGINT, day DATE, clinic VARCHAR, department VARCHAR, cost DECIMAL(9,2)`,
      rows: visits(size.seed + 1, size.visits, size.residents),
    },
    {
      name: "enterprises",
      file: "enterprises.parquet",
      copyOptions: "FORMAT parquet, COMPRESSION zstd",
      columns: `credit_code VARCHAR, name VARCHAR, district VARCHAR, industry VARCHAR, employees INTEGER,
        revenue DECIMAL(14,2)`,
      rows: enterprises(size.seed + 2, size.enterprises),
    },
  ];
}

/** Rows go in as text and DuckDB casts them to the declared types. */
async function writeTable(connection: DuckDBConnection, directory: string, table: DemoTable): Promise<void> {
  await connection.run(`CREATE TABLE ${table.name} (${table.columns})`);
  const columns = table.columns.split(/,\s*(?![^(]*\))/).map((column) => column.trim().split(" ", 1)[0] ?? "");
  await connection.run(`CREATE TEMP TABLE draft (${columns.map((column) => `${column} VARCHAR`).join(", ")})`);
  await appendRows(connection, columns, table.rows);
  await connection.run(`INSERT INTO ${table.name} SELECT * FROM draft`);
  await connection.run("DROP TABLE draft");
  const file = join(directory, table.file);
  await rm(file, { force: true });
  await connection.run(`COPY ${table.name} TO '${file.replaceAll("'", "''")}' (${table.copyOptions})`);
}

const ROWS_A_CHUNK = 2048;

async function appendRows(connection: DuckDBConnection, columns: string[], rows: Iterable<object>): Promise<void> {
  const { DuckDBDataChunk, VARCHAR } = await import("@duckdb/node-api");
  const appender = await connection.createAppender("draft");
  const types = columns.map(() => VARCHAR);
  let batch: DuckDBValue[][] = [];
  const flush = (): void => {
    if (batch.length === 0) return;
    const chunk = DuckDBDataChunk.create(types, batch.length);
    chunk.setRows(batch);
    appender.appendDataChunk(chunk);
    batch = [];
  };
  for (const row of rows) {
    batch.push(columns.map((column) => String((row as Record<string, unknown>)[column])));
    if (batch.length === ROWS_A_CHUNK) flush();
  }
  flush();
  appender.closeSync();
}
