import t from "tap";
import { decideConsent, hasProvidersConsent } from "#consent/index.ts";
import type { Database } from "#persistence/index.ts";
import { act, stageLive } from "../authority/stage.ts";
import { withDatabases } from "../persistence/databases.ts";

const SCENARIO = "clinic-access";
const LINKED = ["residents", "visits"];

const give = async (db: Database, provider: string) =>
  act(db, { kind: "person", id: "p", organisation: provider, roles: ["provider"] }, async (context) =>
    decideConsent(context, { scenario: SCENARIO, provider, decision: "give", comment: "yes" }),
  );

await withDatabases(t, "a product that left the scenario is still its provider's", async (t, { handle: { db } }) => {
  await stageLive(db);
  const now = new Date();
  const clinics = { id: "clinics", kind: "data_provider" as const, created_at: now, updated_at: now };
  await db.insertInto("organisations").values(clinics).execute();
  await db.updateTable("products").set({ provider: "clinics" }).where("id", "=", "visits").execute();
  t.equal(await hasProvidersConsent(db, SCENARIO, ["residents"]), true, "data of one");
  t.equal(await hasProvidersConsent(db, SCENARIO, LINKED), false, "nobody was asked");
  await give(db, "clinics");
  await give(db, "health-bureau");
  t.equal(await hasProvidersConsent(db, SCENARIO, LINKED), true);
  await db.deleteFrom("scenario_products").where("scenario", "=", SCENARIO).where("product", "=", "visits").execute();
  await give(db, "health-bureau");
  t.equal(await hasProvidersConsent(db, SCENARIO, LINKED), false, "what was read before is linked as it was");
});
