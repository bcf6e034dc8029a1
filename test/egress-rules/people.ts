/** The oracle's people: a table of 2,000 and their visits, with roles as declared, or as carelessly as one could. */
import { rowsOf } from "../engine/session/town-session.ts";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EngineOpen, MountedProduct } from "#contract/engine.ts";
import type { ColumnRole } from "#contract/product.ts";
import { EngineSession, QueryRefused } from "#engine/index.ts";
import { NOISE_KEY, PROFILE } from "../engine/session/profile.ts";

export const ORACLES: string = fileURLToPath(new URL("../../../shared/oracles/sql/", import.meta.url));
type Roles = Record<string, [ColumnRole, string, string[]?]>;

export const DECLARED: Record<string, Roles> = {
  person: {
    id: ["subject_key", "UINTEGER"],
    name: ["identifier", "VARCHAR"],
    id_card: ["identifier", "VARCHAR"],
    birth_date: ["quasi_identifier", "DATE", ["year"]],
    district: ["dimension", "VARCHAR"],
    disease: ["sensitive", "VARCHAR"],
    income: ["measure", "DOUBLE"],
    employer: ["dimension", "VARCHAR"],
  },
  visit: { visit_id: ["identifier", "BIGINT"], person_id: ["subject_key", "UINTEGER"], cost: ["measure", "DOUBLE"] },
};

/** Everything but the key and the numbers is a dimension, and there is a copy of the key: `pid`. */
export const CARELESS: Record<string, Roles> = {
  person: {
    ...Object.fromEntries(
      Object.entries(DECLARED["person"]!).map(([name, [role, type]]): [string, Roles[string]] => [
        name,
        [role === "subject_key" || role === "measure" ? role : "dimension", type],
      ]),
    ),
    pid: ["dimension", "INTEGER"],
  },
  visit: { ...DECLARED["visit"]!, pid: ["dimension", "INTEGER"] },
};

function product(id: string, roles: Roles): MountedProduct {
  const columns = Object.entries(roles).map(([name, [role, type, generalise]]) => ({
    name,
    role,
    type,
    grade: "L2" as const,
    nullCount: 0,
    approxDistinct: 0,
    ...(generalise ? { generalise } : {}),
  }));
  const subjectKey = columns.find((column) => column.role === "subject_key")!.name;
  return { id, version: "v1", directory: "/nowhere", rowCount: 0, subjectKey, columns, files: [] };
}

export async function openPeople(declared: Record<string, Roles>): Promise<EngineSession> {
  const products = Object.entries(declared).map(([id, roles]) => product(id, roles));
  const joins = [{ left: "person.id", right: "visit.person_id" }];
  const open: EngineOpen = {
    op: "open",
    id: 1,
    scenario: "people",
    visibility: "aggregates",
    products,
    joins,
    threads: 2,
    memoryBytes: 1 << 29,
  };
  const csv = new Map(
    await Promise.all(products.map(async ({ id }) => [id, await readFile(`${ORACLES}${id}.csv`, "utf8")] as const)),
  );
  return EngineSession.open(open, async (connection, _open, { empty }) => {
    for (const { id, columns } of products)
      await createTable(connection, { id, columns, csv: empty ? undefined : csv.get(id)! });
  });
}

interface TableInput {
  id: string;
  columns: MountedProduct["columns"];
  csv: string | undefined;
}

async function createTable(connection: DuckDBConnection, { id, columns, csv }: TableInput): Promise<void> {
  await connection.run(`CREATE TABLE ${id} (${columns.map((column) => `${column.name} ${column.type}`).join(", ")})`);
  if (csv === undefined) return;
  const [header, ...lines] = csv.trim().split(/\r?\n/);
  const names = header!.split(",");
  const key = id === "person" ? "id" : "person_id";
  const place = columns.map((column) => names.indexOf(column.name === "pid" ? key : column.name));
  const rows = lines
    .map((line) => line.split(","))
    .map((fields) => `(${place.map((at) => `'${fields[at]!.replaceAll("'", "''")}'`).join(", ")})`);
  for (let at = 0; at < rows.length; at += 1000)
    await connection.run(`INSERT INTO ${id} VALUES ${rows.slice(at, at + 1000).join(", ")}`);
}

/** What a developer gets for a statement: a refusal's code, the rules that block or suppress, and the visible rows. */
export async function outcomeOf(session: EngineSession, sql: string): Promise<{ outcome: string; rows: unknown[][] }> {
  const request = {
    op: "query",
    id: 1,
    statement: 1,
    sql,
    parameters: {},
    profile: PROFILE,
    noiseKey: NOISE_KEY,
    validateOnly: false,
    maxRows: 5000,
    maxBytes: 1 << 24,
  } as const;
  const answered = await session.query(request).catch((error: unknown) => {
    if (error instanceof QueryRefused) return error;
    throw error;
  });
  if (answered instanceof QueryRefused) return { outcome: answered.findings[0]?.code ?? answered.code, rows: [] };
  const { facts } = answered.answer;
  if (facts.blockedBy.length > 0) return { outcome: `blocked ${facts.blockedBy.join(" ")}`, rows: [] };
  const rows = rowsOf(answered.parts);
  const outcome =
    facts.suppressedCells > 0
      ? `suppressed ${facts.suppressedBy.join(" ")}`
      : facts.reviewBy.length > 0
        ? "review"
        : "released";
  return { outcome, rows };
}
