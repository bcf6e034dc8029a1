/** Tables of a test's own, mounted in an engine session with the roles that the test declares. */
import type { EngineOpen, MountedProduct } from "#contract/engine.ts";
import type { EgressProfile } from "#contract/profile.ts";
import type { ColumnRole } from "#contract/product.ts";
import { EngineSession, QueryRefused } from "#engine/index.ts";
import { PROFILE } from "../engine/session/profile.ts";
import { ask, rowsOf } from "../engine/session/town-session.ts";

export type Value = string | number | null;

export interface TestTable {
  columns: Record<string, [role: ColumnRole, type: string, generalise?: string[]]>;
  rows: readonly (readonly Value[])[];
  joins?: EngineOpen["joins"];
}

export async function openTables(tables: Record<string, TestTable>): Promise<EngineSession> {
  const products = Object.entries(tables).map(([id, table]) => productOf(id, table));
  const joins = Object.values(tables).flatMap((table) => table.joins ?? []);
  const open: EngineOpen = {
    op: "open",
    id: 1,
    scenario: "tables",
    visibility: "aggregates",
    products,
    joins,
    threads: 2,
    memoryBytes: 1 << 29,
  };
  return EngineSession.open(open, async (connection, _open, { empty }) => {
    for (const [id, { columns, rows }] of Object.entries(tables)) {
      const names = Object.entries(columns).map(([name, [, type]]) => `"${name}" ${type}`);
      await connection.run(`CREATE TABLE ${id} (${names.join(", ")})`);
      if (empty) continue;
      for (let at = 0; at < rows.length; at += 1000) {
        const values = rows.slice(at, at + 1000).map((row) => `(${row.map(literal).join(", ")})`);
        await connection.run(`INSERT INTO ${id} VALUES ${values.join(", ")}`);
      }
    }
  });
}

function productOf(id: string, { columns }: TestTable): MountedProduct {
  const manifest = Object.entries(columns).map(([name, [role, type, generalise]]) => ({
    name,
    role,
    type,
    grade: "L2" as const,
    nullCount: 0,
    approxDistinct: 0,
    ...(generalise ? { generalise } : {}),
  }));
  const subjectKey = manifest.find((column) => column.role === "subject_key")?.name;
  const key = subjectKey === undefined ? {} : { subjectKey };
  return { id, version: "v1", directory: "/nowhere", rowCount: 0, columns: manifest, files: [], ...key };
}

const literal = (value: Value): string =>
  value === null ? "NULL" : typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;

export interface Asked {
  /** The code of a refusal, the rules that block, or nothing. */
  refused: string;
  rows: unknown[][];
  suppressedBy: string[];
  reviewBy: string[];
}

export async function askTables(session: EngineSession, sql: string, profile: EgressProfile = PROFILE): Promise<Asked> {
  const answered = await session.query(ask(sql, profile)).catch((error: unknown) => {
    if (error instanceof QueryRefused) return error;
    throw error;
  });
  const nothing = { rows: [], suppressedBy: [], reviewBy: [] };
  if (answered instanceof QueryRefused) return { ...nothing, refused: answered.findings[0]?.code ?? answered.code };
  const { blockedBy, suppressedBy, reviewBy } = answered.answer.facts;
  if (blockedBy.length > 0) return { ...nothing, refused: `blocked ${blockedBy.join(" ")}` };
  return { refused: "", rows: rowsOf(answered.parts), suppressedBy, reviewBy };
}

/** The test profile with other numbers. */
export function profileWith(numbers: Partial<Record<NumberName, number>>): EgressProfile {
  const changed = Object.entries(numbers).map(([name, value]) => [name, { value, basis: "test" }]);
  return { ...PROFILE, ...(Object.fromEntries(changed) as Partial<EgressProfile>) };
}
type NumberName = {
  [Name in keyof EgressProfile]-?: EgressProfile[Name] extends { value: number } ? Name : never;
}[keyof EgressProfile];

/** Lines of a CSV file without quoted line breaks, by column. */
export function parseCsv(text: string): { names: string[]; rows: string[][] } {
  const [header, ...lines] = text.trim().split(/\r?\n/);
  const fields = (line: string): string[] =>
    [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(,|$)/g)]
      .slice(0, header!.split(",").length)
      .map((match) => match[1]!.replace(/^"(.*)"$/, "$1").replaceAll('""', '"'));
  return { names: fields(header!), rows: lines.map(fields) };
}
