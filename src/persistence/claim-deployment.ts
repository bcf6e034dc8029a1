import { randomBytes } from "node:crypto";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { REPLICA_GONE_AFTER_MS } from "#contract/node.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import { json } from "./json.ts";
import type { Database } from "./schema.ts";
import { markOfDirectory, type Storage } from "./storage.ts";

const Deployment = Type.Object({ id: Type.String({ minLength: 16 }), keyCheck: Type.String() });

/**
 * Ties database, storage and key together, at the first start and for ever: a replica whose storage is another one, or
 * whose key is another, would lose what it acknowledges. Answers the deployment's id, and whether products may be ingested in
 * this data directory. Throws `configuration_invalid`.
 */
export async function claimDeployment(
  db: Database,
  storage: Pick<Storage, "mark" | "objects" | "keyCheck">,
  { nowMs, dataDirectory, ingests }: { nowMs: number; dataDirectory: string; ingests: boolean },
): Promise<{ id: string; isIngestHome: boolean }> {
  const id = await claim(db, storage, nowMs);
  return { id, isIngestHome: ingests && (await claimIngestHome(db, dataDirectory, nowMs)) };
}

async function claim(
  db: Database,
  storage: Pick<Storage, "mark" | "objects" | "keyCheck">,
  nowMs: number,
): Promise<string> {
  const marked = await storage.mark.read();
  const mine = { id: marked ?? randomBytes(16).toString("hex"), keyCheck: storage.keyCheck };
  const { id, keyCheck } = await setOnce(db, { name: "deployment", value: mine, nowMs });
  if (keyCheck !== storage.keyCheck) {
    throw invalid("the key of the object storage is not the one with which this database's objects were sealed");
  }
  if (marked !== undefined && marked !== id) throw invalid("the storage belongs to another deployment's database");
  if (marked === undefined) {
    // restored, or new: it has to hold what the database names
    if (!(await holdsNewest(db, storage))) throw invalid("the storage does not hold the objects of this database");
    if (await hasReplicas(db, nowMs)) throw invalid("the storage is not that of the replicas that are at work");
    await storage.mark.write(id);
  }
  return id;
}

/**
 * Whether subjects have their ordinals in this data directory: the one that asks first, and whoever shares it. The
 * ordinals must be the same in all products of a deployment, so ingest happens there only.
 */
async function claimIngestHome(db: Database, dataDirectory: string, nowMs: number): Promise<boolean> {
  const mark = markOfDirectory(dataDirectory, "ingest-home.json");
  const own = (await mark.read()) ?? randomBytes(16).toString("hex");
  const { id } = await setOnce(db, { name: "ingest_home", value: { id: own, keyCheck: "" }, nowMs });
  if (id === own) await mark.write(own);
  return id === own;
}

async function hasReplicas(db: Database, nowMs: number): Promise<boolean> {
  const since = new Date(nowMs - REPLICA_GONE_AFTER_MS);
  const any = await db.selectFrom("replicas").select("id").where("seen_at", ">", since).limit(1).executeTakeFirst();
  return any !== undefined;
}

async function setOnce(
  db: Database,
  { name, value, nowMs }: { name: string; value: { id: string; keyCheck: string }; nowMs: number },
): Promise<{ id: string; keyCheck: string }> {
  await db
    .insertInto("deployment_settings")
    .values({ name, value: json(value), updated_at: new Date(nowMs) })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .execute();
  const row = await db
    .selectFrom("deployment_settings")
    .select("value")
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  if (!Value.Check(Deployment, row.value)) throw invalid(`the setting ${name} of the database has another form`);
  return row.value;
}

async function holdsNewest(db: Database, { objects }: Pick<Storage, "objects">): Promise<boolean> {
  const newest = await db
    .selectFrom("job_outputs")
    .select("quarantine_object")
    // the bytes of others may be gone
    .where("discarded_at", "is", null)
    .orderBy("job", "desc")
    .limit(1)
    .executeTakeFirst();
  if (!newest) return true;
  try {
    await objects.get(newest.quarantine_object);
    return true;
  } catch (error) {
    if (isAppError(error, "object_missing")) return false;
    throw error;
  }
}

function invalid(message: string): AppError {
  return new AppError("configuration_invalid", message);
}
