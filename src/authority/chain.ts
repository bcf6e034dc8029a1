import { type ExpressionBuilder, sql } from "kysely";
import type { ProductManifest } from "#contract/product.ts";
import type { JoinRule, OpinionState, ProductType, ScenarioState, Visibility } from "#contract/scenario.ts";
import type { Database, Schema, Transaction } from "#persistence/index.ts";

export interface ChainProduct {
  id: string;
  /** The published version that is mounted today; absent when there is none. */
  version?: { id: string; digest: string; directory: string; manifest: ProductManifest };
}

/** Everything that a mount, a job or a release of one scenario stands on, as recorded; validity is `checkAuthority`'s. */
export interface Chain {
  headAgreement: { number: string; operator: string; validFrom: string; validTo: string };
  developer: { id: string; state: "active" | "suspended" };
  scenario: { id: string; state: ScenarioState; title?: string; purpose: string };
  visibility: Visibility;
  joins: JoinRule[];
  products: ChainProduct[];
  agreement?: { id: string; number: string; validFrom: string; validTo: string };
  /** The accepted filing of the agreement. */
  filing?: { id: string };
  opinion?: {
    id: string;
    number: string;
    profile: string;
    outputs: ProductType[];
    recipients: string[];
    autoRelease: boolean;
    state: OpinionState;
  };
  /** The accepted filing of the opinion. */
  opinionFiling?: { id: string };
}

/** Reads the chain of a scenario in one statement; undefined when there is no such scenario. */
export async function resolveChain(db: Database | Transaction, scenarioId: string): Promise<Chain | undefined> {
  const row = await readChain(db, scenarioId);
  return row && toChain(row);
}

function readChain(db: Database | Transaction, scenarioId: string) {
  return db
    .selectFrom("scenarios as s")
    .innerJoin("head_agreements as h", "h.number", "s.head_agreement")
    .innerJoin("organisations as d", "d.id", "s.developer")
    .leftJoin("agreements as a", (join) => join.onRef("a.id", "=", "s.agreement").on("a.state", "=", "signed"))
    .leftJoin("filings as af", (join) => join.onRef("af.subject", "=", "a.id").on("af.state", "=", "accepted"))
    .leftJoin("opinions as o", "o.id", "s.opinion")
    .leftJoin("filings as of", (join) => join.onRef("of.subject", "=", "o.id").on("of.state", "=", "accepted"))
    .select(["s.id", "s.state", "s.title", "s.purpose", "s.visibility", "s.joins"])
    .select(["h.number as head", "h.operator", "h.valid_from as head_from", "h.valid_to as head_to"])
    .select(["d.id as developer", "d.state as developer_state"])
    .select(["a.id as agreement", "a.number as agreement_number", "a.valid_from", "a.valid_to"])
    .select(["af.id as filing", "of.id as opinion_filing"])
    .select(["o.id as opinion", "o.number as opinion_number", "o.profile", "o.outputs", "o.recipients"])
    .select(["o.auto_release", "o.state as opinion_state"])
    .select(productsWithVersions)
    .where("s.id", "=", scenarioId)
    .executeTakeFirst();
}

type ChainRow = NonNullable<Awaited<ReturnType<typeof readChain>>>;

function productsWithVersions(eb: ExpressionBuilder<Schema & { s: Schema["scenarios"] }, "s">) {
  return eb
    .selectFrom("scenario_products as sp")
    .innerJoin("products as p", "p.id", "sp.product")
    .leftJoin("product_versions as v", (join) =>
      join.onRef("v.id", "=", "p.current_version").on("v.state", "=", "published"),
    )
    .whereRef("sp.scenario", "=", "s.id")
    .select(
      sql<ChainProductRow[]>`jsonb_agg(jsonb_build_object('id', sp.product, 'version', v.id, 'digest', v.digest,
        'directory', v.directory, 'manifest', v.manifest) order by sp.position)`.as("products"),
    )
    .as("products");
}

interface ChainProductRow {
  id: string;
  version: string | null;
  digest: string;
  directory: string;
  manifest: ProductManifest;
}

function toChain(row: ChainRow): Chain {
  const { id, state, title, purpose, visibility, joins } = row;
  return {
    headAgreement: { number: row.head, operator: row.operator, validFrom: row.head_from, validTo: row.head_to },
    developer: { id: row.developer, state: row.developer_state },
    scenario: title === null ? { id, state, purpose } : { id, state, title, purpose },
    visibility,
    joins,
    products: (row.products ?? []).map(toChainProduct),
    ...agreementOf(row),
    ...(row.filing === null ? {} : { filing: { id: row.filing } }),
    ...opinionOf(row),
    ...(row.opinion_filing === null ? {} : { opinionFiling: { id: row.opinion_filing } }),
  };
}

function toChainProduct({ id, version, digest, directory, manifest }: ChainProductRow): ChainProduct {
  return version === null ? { id } : { id, version: { id: version, digest, directory, manifest } };
}

function agreementOf(row: ChainRow): Pick<Chain, "agreement"> {
  const { agreement: id, agreement_number: number, valid_from: validFrom, valid_to: validTo } = row;
  if (id === null || number === null || validFrom === null || validTo === null) return {};
  return { agreement: { id, number, validFrom, validTo } };
}

function opinionOf(row: ChainRow): Pick<Chain, "opinion"> {
  const { opinion: id, opinion_number: number, profile, outputs, recipients, opinion_state: state } = row;
  if (id === null || number === null || profile === null || state === null) return {};
  return {
    opinion: {
      id,
      number,
      profile,
      state,
      outputs: outputs ?? [],
      recipients: recipients ?? [],
      autoRelease: row.auto_release === true,
    },
  };
}
