/** A small town for tests: residents, their visits, enterprises, public districts; and the manifests of them. */
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import type { MountedProduct } from "#contract/engine.ts";
import type { ColumnRole, ManifestColumn } from "#contract/product.ts";
import type { JoinRule } from "#contract/scenario.ts";
import { loadArrowExtension } from "../../../src/engine/arrow/mount.ts";
import type { GateCatalogue } from "#engine/gate/index.ts";

type Column = [name: string, role: ColumnRole, type: string, generalise?: string[]];

const TABLES: Record<string, { subjectKey?: string; columns: Column[] }> = {
  residents: {
    subjectKey: "person",
    columns: [
      ["person", "subject_key", "UINTEGER"],
      ["name", "identifier", "VARCHAR"],
      ["id_card", "identifier", "VARCHAR"],
      ["district", "dimension", "VARCHAR"],
      ["sex", "dimension", "VARCHAR"],
      ["active", "dimension", "BOOLEAN"],
      ["birth", "quasi_identifier", "DATE", ["year", "decade"]],
      ["postcode", "quasi_identifier", "VARCHAR", ["prefix:3"]],
      ["age", "quasi_identifier", "INTEGER", ["bin:10"]],
      ["employer", "quasi_identifier", "VARCHAR"],
      ["disease", "sensitive", "VARCHAR"],
      ["income", "measure", "DOUBLE"],
      ["children", "measure", "INTEGER"],
      ["tax", "measure", "DECIMAL(12,2)"],
    ],
  },
  visits: {
    subjectKey: "person",
    columns: [
      ["visit", "identifier", "BIGINT"],
      ["person", "subject_key", "UINTEGER"],
      ["hospital", "dimension", "VARCHAR"],
      ["day", "dimension", "DATE"],
      ["cost", "measure", "DECIMAL(10,2)"],
    ],
  },
  districts: {
    columns: [
      ["district", "public", "VARCHAR"],
      ["region", "public", "VARCHAR"],
      ["area", "measure", "DOUBLE"],
    ],
  },
};

export const JOINS: JoinRule[] = [
  { left: "residents.person", right: "visits.person" },
  { left: "residents.district", right: "districts.district" },
];

function manifest([name, role, type, generalise]: Column): ManifestColumn {
  return {
    name,
    role,
    type,
    grade: role === "sensitive" ? "L3" : "L2",
    nullCount: role === "measure" ? 1 : 0,
    approxDistinct: 0,
    ...(generalise ? { generalise } : {}),
  };
}

export const PRODUCTS: MountedProduct[] = Object.entries(TABLES).map(([id, table]) => ({
  id,
  version: "v1",
  directory: "/nowhere",
  rowCount: 0,
  columns: table.columns.map(manifest),
  files: [],
  ...(table.subjectKey ? { subjectKey: table.subjectKey } : {}),
}));

export const CATALOGUE: GateCatalogue = {
  products: new Map(PRODUCTS.map((product) => [product.id, product])),
  joins: JOINS,
};

/** The town's tables, empty: what a planning connection holds. */
export async function createEmpty(connection: DuckDBConnection): Promise<void> {
  for (const [name, table] of Object.entries(TABLES)) {
    await connection.run(
      `CREATE TABLE ${name} (${table.columns.map(([column, , type]) => `"${column}" ${type}`).join(", ")})`,
    );
  }
}

/** `people` residents in six districts (Islet has few) and about three visits each, the same on every run. */
export async function createTown(connection: DuckDBConnection, people = 2000): Promise<void> {
  await createEmpty(connection);
  await connection.run(`INSERT INTO residents SELECT i, 'P' || i, 'ID' || (i * 7919 % 1000003),
    CASE WHEN i <= 6 THEN 'Islet' ELSE ['North','South','East','West','Harbour'][1 + i * 31 % 5] END,
    CASE WHEN i % 2 = 0 THEN 'f' ELSE 'm' END, i % 10 <> 0, DATE '1940-01-01' + (i * 17 % 25000)::INTEGER,
    (325000 + i * 13 % 900)::VARCHAR, 18 + i * 7 % 70, 'E' || (i % 400),
    CASE WHEN i % 40 = 5 THEN 'HIV' WHEN i % 3 = 0 THEN 'flu' ELSE 'none' END,
    round(20000 + (i * 7919 % 100003) / 1.37, 2), i % 4, ((i * 104729 % 1000003) / 100)::DECIMAL(12,2)
    FROM range(1, ${people + 1}) r(i)`);
  await connection.run(`INSERT INTO visits SELECT i, 1 + i * 31 % ${people}, 'H' || (1 + i % 7), DATE '2024-01-01' + (i % 365)::INTEGER,
    ((i * 7907 % 100003) / 10)::DECIMAL(10,2) FROM range(${people * 3}) r(i)`);
  await connection.run(`INSERT INTO districts SELECT d, CASE WHEN d IN ('North','East') THEN 'upper' ELSE 'lower' END, 12.5
    FROM unnest(['Islet','North','South','East','West','Harbour']) t(d)`);
}

export async function openConnection(
  prepare: (connection: DuckDBConnection) => Promise<void>,
): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2", allow_unsigned_extensions: "true" });
  const connection = await instance.connect();
  await loadArrowExtension(connection);
  await prepare(connection);
  return connection;
}
