import { join } from "node:path";
import { sql } from "kysely";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { currentCheckpoint } from "#audit/index.ts";
import type { ProductManifest } from "#contract/product.ts";
import type { Database, Transaction } from "#persistence/index.ts";
import { writeDigested } from "./files.ts";
import type { Manifest } from "./manifest.ts";

export interface Dump extends Pick<Manifest, "migrations" | "checkpoint" | "tables" | "sequences" | "deployment"> {
  /** Digests of the objects that rows of the snapshot need. */
  objects: string[];
  /** Digests of what revoked releases had served and nothing else needs: there for as long as retention keeps it. */
  evidence: string[];
  versions: PublishedVersion[];
  /** Of the machine where products are ingested: what its data directory is marked with. */
  ingestHome: string | undefined;
}

export interface PublishedVersion {
  /** Where it lies below the place of products. */
  directory: string;
  manifest: ProductManifest;
  /** Of the canonical text of the manifest. */
  digest: string;
}

const FETCH_ROWS = 1_000;

/**
 * Writes every table in one snapshot, a JSON text a row. PostgreSQL itself writes the rows and will read them
 * (`to_jsonb`, `jsonb_populate_recordset`), so no value passes through a JavaScript type, and what one kind of database
 * wrote the other reads. Others go on writing meanwhile, on PostgreSQL; the embedded database has one connection.
 */
export async function dumpDatabase(db: Database, directory: string): Promise<Dump> {
  const snapshot = db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only");
  return snapshot.execute(async (tx) => {
    const tables: Dump["tables"] = [];
    const deployment = await settingOf(tx, "deployment");
    for (const name of await tableNames(tx)) tables.push(await dumpTable(tx, { name, directory }));
    return {
      tables,
      sequences: await sequencesOf(tx),
      migrations: await tx
        .selectFrom("schema_migrations")
        .select(["number", "name", "digest"])
        .orderBy("number")
        .execute(),
      checkpoint: await currentCheckpoint(tx),
      objects: await objectsOf(tx),
      evidence: await evidenceOf(tx),
      versions: await versionsOf(tx),
      ...(deployment === undefined ? {} : { deployment }),
      ingestHome: (await settingOf(tx, "ingest_home"))?.id,
    };
  });
}

/** Tables of our schema, whatever migrations made them. */
export async function tableNames(tx: Transaction | Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname = current_schema() order by 1`.execute(tx);
  return rows.map(({ name }) => name);
}

/** What is true of the machines at work and not of the state: who is there, and where products are ingested. */
const OF_THE_MOMENT: Readonly<Record<string, string>> = {
  replicas: "false",
  deployment_settings: "t.name <> 'ingest_home'",
};

async function dumpTable(
  tx: Transaction,
  { name, directory }: { name: string; directory: string },
): Promise<Dump["tables"][number]> {
  let rows = 0;
  async function* lines(): AsyncGenerator<string> {
    await sql`declare backup_rows no scroll cursor for select to_jsonb(t)::text as line from ${sql.table(name)} t where ${sql.raw(OF_THE_MOMENT[name] ?? "true")}`.execute(
      tx,
    );
    for (;;) {
      const page = await sql<{ line: string }>`fetch ${sql.raw(String(FETCH_ROWS))} from backup_rows`.execute(tx);
      rows += page.rows.length;
      if (page.rows.length > 0) yield page.rows.map(({ line }) => `${line}\n`).join("");
      if (page.rows.length < FETCH_ROWS) break;
    }
    await sql`close backup_rows`.execute(tx);
  }
  const path = join("tables", `${name}.ndjson`);
  const written = await writeDigested(join(directory, path), lines());
  return { name, path, rows, ...written };
}

async function sequencesOf(tx: Transaction): Promise<Dump["sequences"]> {
  const { rows } = await sql<{ name: string; value: string | null }>`
    select sequencename as name, last_value::text as value from pg_sequences
    where schemaname = current_schema() order by 1`.execute(tx);
  return rows;
}

const NEEDED = sql`
  select quarantine_object as object from job_outputs where discarded_at is null
  union select release_object from job_outputs where release_object is not null and discarded_at is null
  union select o.object from release_outputs o join releases r on r.id = o.release where r.state = 'released'`;

async function objectsOf(tx: Transaction): Promise<string[]> {
  const { rows } = await sql<{ object: string }>`${NEEDED} order by 1`.execute(tx);
  return rows.map(({ object }) => object);
}

async function evidenceOf(tx: Transaction): Promise<string[]> {
  const { rows } = await sql<{ object: string }>`
    select o.object from release_outputs o join releases r on r.id = o.release where r.state = 'revoked'
    except (${NEEDED}) order by 1`.execute(tx);
  return rows.map(({ object }) => object);
}

async function versionsOf(tx: Transaction): Promise<PublishedVersion[]> {
  const rows = await tx
    .selectFrom("product_versions")
    .select(["directory", "manifest", "digest"])
    .where("state", "=", "published")
    .orderBy("id")
    .execute();
  return rows.flatMap(({ directory, manifest, digest }) =>
    manifest === null || digest === null ? [] : [{ directory, manifest, digest }],
  );
}

const Setting = Type.Object({ id: Type.String(), keyCheck: Type.String() });

async function settingOf(tx: Transaction, name: string): Promise<Static<typeof Setting> | undefined> {
  const row = await tx.selectFrom("deployment_settings").select("value").where("name", "=", name).executeTakeFirst();
  return Value.Check(Setting, row?.value) ? row.value : undefined;
}
