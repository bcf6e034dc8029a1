import t from "tap";
import { decideFiling, expireScenarios, getScenario, listFilings, setOrganisationState } from "#authority/index.ts";
import { withdrawVersion } from "#catalogue/index.ts";
import { isAppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";
import { withDatabases } from "../persistence/databases.ts";
import {
  act,
  apply,
  ask,
  body,
  clinicAccess,
  clock,
  developer,
  operator,
  publishAll,
  reasons,
  security,
  space,
  stageLive,
  step,
} from "./stage.ts";

const scenario = "clinic-access";
const seenByAll = { organisation: "wz-operator", roles: ["operator"] as const };

async function stateOf(db: Database): Promise<string> {
  return (await getScenario(db, scenario, seenByAll)).state;
}

async function openFiling(db: Database): Promise<string> {
  const { items } = await listFilings(db, { limit: 10, state: "submitted" });
  return items[0]?.id ?? "none";
}

async function accept(db: Database): Promise<void> {
  const filing = await openFiling(db);
  await act(db, body, async (context) => decideFiling(context, { filing, decision: "accept" }));
}

async function sendBack(db: Database): Promise<void> {
  const filing = await openFiling(db);
  await act(db, body, async (context) => decideFiling(context, { filing, decision: "return", comment: "unclear" }));
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (!isAppError(error)) throw error;
    const reason = error.details?.["reason"];
    return typeof reason === "string" ? reason : error.code;
  }
}

/** Proposed by the operator's apply, which stops at the implementing body. */
async function stageProposed(db: Database): Promise<void> {
  clock.setDay("2026-06-01");
  await apply(db, space, { development: false });
  await publishAll(db);
}

await withDatabases(t, "a scenario is taken from proposal to live, and only then releases", async (t, { handle }) => {
  const { db } = handle;
  await stageProposed(db);
  t.same(await reasons(db), ["scenario_not_active", "agreement_missing", "filing_missing"]);
  await step(db, body, { step: "approve", scenario });
  await step(db, operator, { step: "sign", scenario });
  await step(db, operator, { step: "file", scenario });
  t.same(await reasons(db), ["scenario_not_active", "filing_missing"], "a submitted filing is not an accepted one");
  await accept(db);
  t.equal(await stateOf(db), "building");
  t.same(await reasons(db), [], "jobs run from building on");
  t.same(await reasons(db, "release"), ["scenario_not_active", "opinion_missing"]);
  await step(db, operator, { step: "issue_opinion", scenario });
  await step(db, operator, { step: "file_opinion", scenario });
  t.equal(await refusal(step(db, body, { step: "go_live", scenario, opinion: "PO-1" })), "opinion_filing_missing");
  await accept(db);
  t.same(await reasons(db, "release"), ["scenario_not_active", "opinion_not_effective"], "accepted is not in effect");
  t.equal(await refusal(step(db, body, { step: "go_live", scenario, opinion: "PO-2" })), "opinion_not_cited");
  await step(db, body, { step: "go_live", scenario, opinion: "PO-1" });
  const decision = await ask(db, "release");
  t.match(decision, {
    effect: "permit",
    chain: {
      headAgreement: { number: "HA-1", operator: "wz-operator" },
      agreement: { number: "CA-1", validTo: "2027-01-14" },
      opinion: { number: "PO-1", profile: "controlled", outputs: ["statistical_report"], recipients: ["acme"] },
      products: [{ id: "residents", version: { id: /^pv_/, digest: /^sha256:/ } }, { id: "visits" }],
      joins: clinicAccess.joins ?? [],
      visibility: "aggregates",
    },
  });
  t.equal(decision.effect === "permit" && decision.chain.opinion?.autoRelease, true);
});

await withDatabases(t, "each step belongs to its organisation", async (t, { handle }) => {
  const { db } = handle;
  await stageProposed(db);
  const stranger = { ...operator, organisation: "other-operator" };
  for (const actor of [operator, security, developer]) {
    t.equal(await refusal(step(db, actor, { step: "approve", scenario })), "forbidden", String(actor.roles));
  }
  await step(db, body, { step: "approve", scenario });
  for (const actor of [body, developer, security, stranger]) {
    t.equal(await refusal(step(db, actor, { step: "sign", scenario })), "forbidden", String(actor.roles));
  }
  await step(db, operator, { step: "sign", scenario });
  await step(db, operator, { step: "file", scenario });
  const filing = await openFiling(db);
  const own = act(db, operator, async (context) => decideFiling(context, { filing, decision: "accept" }));
  t.equal(await refusal(own), "forbidden", "the operator does not accept its own filing");
  await accept(db);
  t.equal(await refusal(step(db, developer, { step: "suspend", scenario, reason: "no" })), "forbidden");
  await step(db, security, { step: "suspend", scenario, reason: "alarm" });
  t.equal(await refusal(step(db, operator, { step: "resume", scenario, reason: "fine" })), "forbidden");
  t.equal(await refusal(step(db, operator, { step: "terminate", scenario, reason: "no" })), "forbidden");
});

await withDatabases(t, "guards refuse what lacks its basis", async (t, { handle }) => {
  const { db } = handle;
  clock.setDay("2026-06-01");
  const { expertOpinion: _, ...bare } = clinicAccess;
  await apply(db, { ...space, scenarios: [bare] }, { development: false });
  t.equal(await refusal(step(db, body, { step: "approve", scenario })), "expert_opinion_missing");
  const blank = { issuer: " ", number: "EO-1", date: "2026-01-10" };
  t.equal(await refusal(step(db, body, { step: "approve", scenario, expertOpinion: blank })), "expert_opinion_missing");
  t.equal(await refusal(step(db, operator, { step: "sign", scenario })), "invalid_transition");
  const expertOpinion = { issuer: "市司法局", number: "EO-1", date: "2026-01-10" };
  await step(db, body, { step: "approve", scenario, expertOpinion });
  const outside = [
    { number: "CA", validFrom: "2025-12-31", validTo: "2026-12-31" },
    { number: "CA", validFrom: "2026-01-01", validTo: "2029-01-01" },
  ];
  for (const agreement of outside) {
    const refused = await refusal(step(db, operator, { step: "sign", scenario, agreement }));
    t.equal(refused, "agreement_outside_head_agreement");
  }
  const impossible = { number: "CA", validFrom: "2026-02-30", validTo: "2026-12-31" };
  t.equal(await refusal(step(db, operator, { step: "sign", scenario, agreement: impossible })), "invalid_request");
  t.equal(await refusal(step(db, operator, { step: "sign", scenario: "unknown" })), "not_found");
});

await withDatabases(t, "a returned filing is put right and filed again", async (t, { handle }) => {
  const { db } = handle;
  await stageProposed(db);
  await step(db, body, { step: "approve", scenario });
  await step(db, operator, { step: "sign", scenario });
  await step(db, operator, { step: "file", scenario });
  const returned = await openFiling(db);
  await sendBack(db);
  t.equal(await stateOf(db), "agreement_signed");
  const late = act(db, body, async (context) => decideFiling(context, { filing: returned, decision: "accept" }));
  t.equal(await refusal(late), "filing_decided");
  await step(db, operator, { step: "file", scenario });
  await accept(db);
  await step(db, operator, { step: "issue_opinion", scenario });
  await step(db, operator, { step: "file_opinion", scenario });
  await sendBack(db);
  t.equal(await stateOf(db), "pre_review");
  t.equal(await refusal(step(db, operator, { step: "file_opinion", scenario })), "opinion_not_issued");
  await step(db, operator, { step: "issue_opinion", scenario });
  await step(db, operator, { step: "file_opinion", scenario });
  await accept(db);
  await step(db, body, { step: "go_live", scenario, opinion: "PO-1" });
  t.same(await reasons(db, "release"), []);
});

await withDatabases(t, "suspension stops everything and resumes where it was", async (t, { handle }) => {
  const { db } = handle;
  await stageProposed(db);
  await step(db, body, { step: "approve", scenario });
  await step(db, operator, { step: "sign", scenario });
  await step(db, operator, { step: "file", scenario });
  await accept(db);
  await step(db, operator, { step: "suspend", scenario, reason: "alarm" });
  t.same(await reasons(db), ["scenario_suspended"]);
  t.equal(await refusal(step(db, operator, { step: "issue_opinion", scenario })), "invalid_transition");
  await step(db, body, { step: "resume", scenario, reason: "checked" });
  t.equal(await stateOf(db), "building", "not live, which it never was");
});

await withDatabases(t, "the chain lapses with days, organisations, versions and orders", async (t, { handle }) => {
  const { db } = handle;
  await stageLive(db);
  const days: [day: string, expected: string[]][] = [
    ["2025-12-31", ["head_agreement_not_started", "agreement_not_started"]],
    ["2026-01-14", ["agreement_not_started"]],
    ["2026-01-15", []],
    ["2027-01-14", []],
    ["2027-01-15", ["agreement_expired"]],
    ["2029-01-01", ["head_agreement_expired", "agreement_expired"]],
  ];
  for (const [day, expected] of days) {
    clock.setDay(day);
    t.same(await reasons(db, "release"), expected, day);
  }
  clock.at = Date.parse("2027-01-14T15:59:59Z");
  t.same(await reasons(db), [], "the last second of the day in Shanghai");
  clock.at = Date.parse("2027-01-14T16:00:00Z");
  t.same(await reasons(db), ["agreement_expired"], "midnight in Shanghai");
  clock.setDay("2026-06-01");
  const change = { organisation: "acme", reason: "incident" };
  await act(db, security, async (context) => setOrganisationState(context, { ...change, state: "suspended" }));
  t.same(await reasons(db), ["organisation_suspended"]);
  await act(db, security, async (context) => setOrganisationState(context, { ...change, state: "active" }));
  const decision = await ask(db, "job");
  const version = decision.effect === "permit" ? (decision.chain.products[0]?.version.id ?? "") : "";
  await act(db, operator, async (context) => withdrawVersion(context, { product: "residents", version, reason: "x" }));
  t.same(await reasons(db), ["product_unpublished"]);
  await step(db, body, { step: "terminate", scenario, reason: "order" });
  t.same(await reasons(db), ["scenario_not_active", "agreement_missing", "filing_missing", "product_unpublished"]);
});

await withDatabases(t, "a scenario of another organisation is like an unknown one", async (t, { handle }) => {
  const { db } = handle;
  await stageLive(db);
  const foreign = await ask(db, "job", "globex");
  t.same(foreign, await ask(db, "job", "globex", "no-such-scenario"));
  t.same(foreign, { effect: "deny", reasons: ["scenario_unknown"] });
  const globex = { organisation: "globex", roles: ["developer"] as const };
  const unknown = await getScenario(db, "no-such-scenario", globex).catch((error: unknown) => error);
  const hidden = await getScenario(db, scenario, globex).catch((error: unknown) => error);
  t.ok(isAppError(hidden, "not_found") && isAppError(unknown, "not_found") && hidden.message === unknown.message);
  const provider = { organisation: "health-bureau", roles: ["provider"] as const };
  t.equal((await getScenario(db, scenario, provider)).id, scenario, "a provider sees what uses its product");
});

await withDatabases(t, "scenarios expire when their term has ended", async (t, { handle }) => {
  const { db } = handle;
  await stageLive(db);
  const chores = { kind: "system" as const, id: "chores" };
  t.same(await act(db, chores, async (context) => expireScenarios(context)), []);
  clock.setDay("2027-01-15");
  t.same(await act(db, chores, async (context) => expireScenarios(context)), [scenario]);
  t.same(await act(db, chores, async (context) => expireScenarios(context)), []);
  t.equal(await stateOf(db), "expired");
  const agreement = { number: "CA-2", validFrom: "2027-01-15", validTo: "2028-01-14" };
  await step(db, operator, { step: "sign", scenario, agreement });
  t.same(await reasons(db), ["scenario_not_active", "filing_missing"], "a renewal is filed again");
});
