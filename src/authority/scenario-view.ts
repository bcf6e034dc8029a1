import { sql } from "kysely";
import type { ScenarioState, ScenarioView } from "#contract/scenario.ts";
import { AppError } from "#kernel/errors.ts";
import { type PageOf, pageOf, type PageRequest } from "#kernel/page.ts";
import type { Database, Transaction } from "#persistence/index.ts";
import { type Reader, seesEverything } from "./reader.ts";

export interface ScenarioFilter {
  id?: string | undefined;
  state?: ScenarioState | undefined;
}

/** The scenario as the caller may see it; `not_found` also when it belongs to somebody else. */
export async function getScenario(db: Database | Transaction, id: string, reader: Reader): Promise<ScenarioView> {
  const rows = await scenarioQuery(db, reader, { id }).execute();
  if (!rows[0]) throw new AppError("not_found", "There is no such scenario");
  return toView(rows[0]);
}

export async function listScenarios(
  db: Database | Transaction,
  reader: Reader,
  request: PageRequest & ScenarioFilter,
): Promise<PageOf<ScenarioView>> {
  const rows = await scenarioQuery(db, reader, request)
    .where("s.id", ">", request.after ?? "")
    .orderBy("s.id")
    .limit(request.limit + 1)
    .execute();
  return pageOf(rows.map(toView), request.limit);
}

/** Only what the caller may see: developers their own, data providers those that use a product of theirs. */
function scenarioQuery(db: Database | Transaction, reader: Reader, filter: ScenarioFilter) {
  const { id, state } = filter;
  return db
    .selectFrom("scenarios as s")
    .leftJoin("agreements as a", "a.id", "s.agreement")
    .leftJoin("opinions as o", "o.id", "s.opinion")
    .select(["s.id", "s.developer", "s.title", "s.purpose", "s.state", "s.visibility", "s.joins", "s.expert_opinion"])
    .select(["s.created_at", "s.updated_at", "a.number as agreement", "a.valid_from", "a.valid_to", "a.quota"])
    .select(["o.number as opinion", "o.profile", "o.outputs", "o.recipients", "o.auto_release"])
    .select("o.state as opinion_state")
    .select(
      sql<string[]>`array(select product from scenario_products where scenario = s.id order by position)`.as(
        "products",
      ),
    )
    .$if(id !== undefined, (query) => query.where("s.id", "=", id ?? ""))
    .$if(state !== undefined, (query) => query.where("s.state", "=", state ?? "proposed"))
    .$if(!seesEverything(reader), (query) =>
      query.where(({ or, and, eb, exists, selectFrom }) => {
        const provided = selectFrom("scenario_products as sp")
          .innerJoin("products as p", "p.id", "sp.product")
          .select("sp.product")
          .whereRef("sp.scenario", "=", "s.id")
          .where("p.provider", "=", reader.organisation);
        const provider = eb.lit(reader.roles.includes("provider"));
        return or([eb("s.developer", "=", reader.organisation), and([provider, exists(provided)])]);
      }),
    );
}

type ScenarioViewRow = Awaited<ReturnType<ReturnType<typeof scenarioQuery>["execute"]>>[number];

function toView(row: ScenarioViewRow): ScenarioView {
  const { id, developer, purpose, state, visibility, products, joins } = row;
  return {
    id,
    developer,
    purpose,
    state,
    visibility,
    products,
    joins,
    ...(row.title === null ? {} : { title: row.title }),
    ...(row.expert_opinion === null ? {} : { expertOpinion: row.expert_opinion }),
    ...agreementOf(row),
    ...opinionOf(row),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

function agreementOf(row: ScenarioViewRow): Pick<ScenarioView, "agreement"> {
  const { agreement: number, valid_from, valid_to, quota } = row;
  if (number === null || valid_from === null || valid_to === null) return {};
  return { agreement: { number, validFrom: valid_from, validTo: valid_to, ...(quota === null ? {} : { quota }) } };
}

function opinionOf(row: ScenarioViewRow): Pick<ScenarioView, "opinion"> {
  const { opinion: number, profile, outputs, recipients, opinion_state: state } = row;
  if (number === null || profile === null || state === null) return {};
  const terms = { number, profile, outputs: outputs ?? [], recipients: recipients ?? [] };
  const effective = state === "effective" && row.state === "live";
  return { opinion: { ...terms, autoRelease: row.auto_release === true, state, effective } };
}
