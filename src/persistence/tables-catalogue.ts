import type { ColumnType, Generated, RawBuilder } from "kysely";
import type { OrganisationKind } from "#contract/organisation.ts";
import type { ProductManifest, ProductSpec, ProductVersionState } from "#contract/product.ts";
import type {
  Agreement,
  ExpertOpinion,
  FilingState,
  JoinRule,
  Opinion,
  OpinionState,
  ProductType,
  Quota,
  ScenarioState,
  Visibility,
} from "#contract/scenario.ts";

/** A jsonb column: read as the value, written through `json(value)`. */
type Json<T> = ColumnType<T, RawBuilder<T>, RawBuilder<T>>;
type NullableJson<T> = ColumnType<T | null, RawBuilder<T> | null | undefined, RawBuilder<T> | null>;

export interface OrganisationRow {
  id: string;
  kind: OrganisationKind;
  title: string | null;
  state: Generated<"active" | "suspended">;
  /** Share between organisations that want more than there is, 1 to 100. */
  weight: Generated<number>;
  created_at: Date;
  updated_at: Date;
}

export interface HeadAgreementRow {
  number: string;
  operator: string;
  valid_from: string;
  valid_to: string;
  created_at: Date;
  updated_at: Date;
}

export interface ProductRow {
  id: string;
  title: string | null;
  description: string | null;
  provider: string | null;
  current_version: string | null;
  latest_version: string | null;
  created_at: Date;
  updated_at: Date;
}

/** Why an ingest failed: codes, safe text and a place, never a value. */
export interface IngestError {
  code: string;
  message: string;
  row?: number | undefined;
  column?: string | undefined;
}

export interface ProductVersionRow {
  id: string;
  product: string;
  state: ProductVersionState;
  spec: Json<ProductSpec>;
  spec_digest: string;
  source_digest: string | null;
  source_secret: string | null;
  directory: string;
  manifest: NullableJson<ProductManifest>;
  digest: string | null;
  progress_rows: number | null;
  error: NullableJson<IngestError>;
  created_by: string;
  created_at: Date;
  ended_at: Date | null;
  lease: string | null;
  runner: string | null;
  lease_expires_at: Date | null;
  attempts: Generated<number>;
}

export interface ScenarioRow {
  id: string;
  developer: string;
  head_agreement: string;
  title: string | null;
  purpose: string;
  visibility: Visibility;
  joins: Json<JoinRule[]>;
  state: ScenarioState;
  suspended_from: ScenarioState | null;
  expert_opinion: NullableJson<ExpertOpinion>;
  proposed_agreement: NullableJson<Agreement>;
  proposed_opinion: NullableJson<Opinion>;
  agreement: string | null;
  opinion: string | null;
  created_at: Date;
  updated_at: Date;
}

export interface AgreementRow {
  id: string;
  scenario: string;
  number: string;
  valid_from: string;
  valid_to: string;
  state: "signed" | "superseded" | "terminated";
  quota: NullableJson<Quota>;
  signed_at: Date;
  ended_at: Date | null;
}

export interface OpinionRow {
  id: string;
  scenario: string;
  number: string;
  profile: string;
  outputs: ProductType[];
  recipients: string[];
  auto_release: boolean;
  state: OpinionState;
  issued_at: Date;
  effective_at: Date | null;
  ended_at: Date | null;
}

export interface FilingRow {
  id: string;
  kind: "agreement" | "opinion";
  scenario: string;
  subject: string;
  number: string;
  content_digest: string;
  state: FilingState;
  prepared_at: Date;
  submitted_at: Date | null;
  decided_at: Date | null;
  decided_by: string | null;
  comment: string | null;
}

export interface CatalogueTables {
  organisations: OrganisationRow;
  head_agreements: HeadAgreementRow;
  products: ProductRow;
  product_versions: ProductVersionRow;
  scenarios: ScenarioRow;
  scenario_products: { scenario: string; product: string; position: number };
  agreements: AgreementRow;
  opinions: OpinionRow;
  filings: FilingRow;
}
