import fc from "fast-check";
import t from "tap";
import { decideFiling, listFilings, proposeScenario, takeStep } from "#authority/index.ts";
import type { ScenarioSpec } from "#contract/scenario.ts";
import type { Space } from "#contract/space.ts";
import { isAppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";
import { openTestDatabase } from "../persistence/databases.ts";
import { act, apply, body, clinicAccess, clock, operator, publishAll, reasons, space } from "./stage.ts";

const MOVES = [
  "approve",
  "reject",
  "sign",
  "file",
  "issue",
  "file_opinion",
  "go_live",
  "suspend",
  "resume",
  "accept",
  "return",
  "amend",
  "terminate",
] as const;
type Move = (typeof MOVES)[number];

/** Any move, or the one that leads on from where the scenario is, so that many sequences get far. */
const move = fc.oneof(
  { weight: 3, arbitrary: fc.constant("onward" as const) },
  { weight: 1, arbitrary: fc.constantFrom<Move>(...MOVES.filter((each) => each !== "reject" && each !== "terminate")) },
);
const last = fc.constantFrom<Move>(...MOVES);

const ONWARD: Readonly<Record<string, Move>> = {
  proposed: "approve",
  approved: "sign",
  agreement_signed: "file",
  filed: "accept",
  building: "issue",
  pre_review: "file_opinion",
  suspended: "resume",
};

function onward({ state, opinion }: { state: string; opinion: string | null }): Move {
  if (state === "opinion_filed") return opinion === "filed" ? "accept" : "go_live";
  return ONWARD[state] ?? "suspend";
}

async function makeMove(db: Database, spec: ScenarioSpec, made: Move): Promise<void> {
  const scenario = spec.id;
  if (made === "amend") {
    const amended = { ...spec, visibility: spec.visibility === "rows" ? ("aggregates" as const) : ("rows" as const) };
    spec.visibility = amended.visibility;
    await apply(db, { ...space, scenarios: [amended] }, { development: false });
    return;
  }
  if (made === "accept" || made === "return") {
    const { items } = await listFilings(db, { limit: 1, state: "submitted", scenario });
    const filing = items[0]?.id ?? "fil_none";
    const decision = made === "accept" ? { decision: made } : { decision: made, comment: "unclear" };
    await act(db, body, async (context) => decideFiling(context, { filing, ...decision }));
    return;
  }
  const actor = ["approve", "reject", "go_live", "resume", "terminate"].includes(made) ? body : operator;
  await act(db, actor, async (context) => {
    const reason = "law";
    const opinion = { ...clinicAccess.opinion!, number: `PO-${clock.at++}` };
    if (made === "issue") return takeStep(context, { step: "issue_opinion", scenario, opinion });
    if (made === "go_live") {
      const current = await context.tx
        .selectFrom("scenarios as s")
        .innerJoin("opinions as o", "o.id", "s.opinion")
        .select("o.number")
        .where("s.id", "=", scenario)
        .executeTakeFirst();
      return takeStep(context, { step: "go_live", scenario, opinion: current?.number ?? "none" });
    }
    if (made === "approve" || made === "sign" || made === "file" || made === "file_opinion") {
      return takeStep(context, { step: made, scenario });
    }
    return takeStep(context, { step: made, scenario, reason });
  });
}

/** What live must rest on, read from the tables and not through the code under test. */
async function basisOf(db: Database, scenario: string) {
  return db
    .selectFrom("scenarios as s")
    .leftJoin("opinions as o", "o.id", "s.opinion")
    .leftJoin("filings as f", (join) => join.onRef("f.subject", "=", "o.id").on("f.state", "=", "accepted"))
    .leftJoin("filings as a", (join) => join.onRef("a.subject", "=", "s.agreement").on("a.state", "=", "accepted"))
    .select(["s.state", "o.state as opinion", "f.kind as filing", "a.kind as agreement", "f.decided_by"])
    .where("s.id", "=", scenario)
    .executeTakeFirstOrThrow();
}

t.test("no sequence of steps reaches live without an accepted filing of the opinion", async (t) => {
  const { handle } = await openTestDatabase(t, "embedded");
  const { db } = handle;
  clock.setDay("2026-06-01");
  await apply(db, { ...space, scenarios: [] }, { development: false });
  await publishAll(db);
  let runs = 0;
  let lived = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 8, maxLength: 20 }), last, async (moves, end) => {
      const spec: ScenarioSpec = { ...clinicAccess, id: `law-${runs++}`, visibility: "aggregates" };
      await act(db, operator, async (context) => proposeScenario(context, { spec }));
      for (const drawn of [...moves, end]) {
        const made = drawn === "onward" ? onward(await basisOf(db, spec.id)) : drawn;
        await makeMove(db, spec, made).catch((error: unknown) => {
          if (!isAppError(error)) throw error;
        });
        const basis = await basisOf(db, spec.id);
        if (basis.state !== "live") continue;
        lived++;
        if (basis.opinion !== "effective" || basis.filing !== "opinion" || basis.agreement !== "agreement")
          return false;
        if (basis.decided_by !== body.id) return false;
      }
      return true;
    }),
    { numRuns: 25, seed: 20_261_123 },
  );
  t.ok(lived > 5, `live was reached ${lived} times`);
});

t.test("applying any space twice changes nothing the second time", async (t) => {
  const { handle } = await openTestDatabase(t, "embedded");
  const { db } = handle;
  clock.setDay("2026-06-01");
  const spec = fc.record({
    visibility: fc.constantFrom("aggregates" as const, "rows" as const),
    products: fc.subarray(["residents", "visits"], { minLength: 1 }),
    autoRelease: fc.boolean(),
    parts: fc.subarray(["expertOpinion", "agreement", "opinion"] as const),
  });
  const drawn = fc.record({ spec, title: fc.constantFrom("一", "二"), development: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ spec: terms, title, development }) => {
      const { id, developer, purpose } = clinicAccess;
      const { visibility, products } = terms;
      const parts = Object.fromEntries(terms.parts.map((part) => [part, clinicAccess[part]]));
      const declared: ScenarioSpec = { id, developer, purpose, visibility, products, title, ...parts };
      if (declared.opinion) declared.opinion = { ...declared.opinion, autoRelease: terms.autoRelease };
      const file: Space = { ...space, scenarios: [declared] };
      await apply(db, file, { development });
      const second = await apply(db, file, { development });
      return second.changes.every(({ change }) => change === "unchanged" || change === "waiting");
    }),
    { numRuns: 15, seed: 20_261_123 },
  );
  await apply(db, space);
  await publishAll(db);
  t.same(await reasons(db, "release"), [], "and whatever was applied before, the whole file leads to live");
});
