import type { ColumnType, Generated, RawBuilder } from "kysely";
import type { EgressFacts, Finding, Label, OutputDescriptor, StatementEvidence, Verdict } from "#contract/egress.ts";
import type { JobClass, JobState, Parameters, ReasonCode } from "#contract/job.ts";
import type { JobUsage } from "#contract/runner.ts";
import type { ProductType } from "#contract/scenario.ts";

/** A jsonb column: read as the value, written through `json(value)`. */
type Json<T> = ColumnType<T, RawBuilder<T>, RawBuilder<T>>;

export interface JobRow {
  id: string;
  scenario: string;
  organisation: string;
  submitted_by: string;
  title: string | null;
  image: string;
  image_digest: string;
  class: JobClass;
  mode: "run" | "validate";
  sql: string | null;
  script: string | null;
  parameters: Json<Parameters>;
  product_type: ProductType;
  recipients: string[];
  request_egress: boolean;
  state: JobState;
  reason_code: ReasonCode | null;
  reason: string | null;
  label: Label | null;
  /** Whether its owner may read its log, the text of its error, and what its outputs are. */
  text_visible: Generated<boolean>;
  verdict: Verdict;
  findings: Json<Finding[]>;
  facts: Json<EgressFacts> | null;
  stages: Json<Record<string, number>>;
  usage: ColumnType<JobUsage | null, RawBuilder<JobUsage> | null | undefined, RawBuilder<JobUsage> | null>;
  confinement: string | null;
  authority: Json<JobAuthority>;
  attempts: Generated<number>;
  lease: string | null;
  runner: string | null;
  lease_expires_at: Date | null;
  cancel_requested: Generated<boolean>;
  submitted_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  /** When its owner first read its log, where no release covers that. */
  log_read_at: Generated<Date | null>;
}

/** What the chain of authority said when the job was submitted. */
export interface JobAuthority {
  profile: string;
  opinionNumber: string | null;
  /** Product id → version id, pinned. */
  versions: Record<string, string>;
}

export interface JobTables {
  jobs: JobRow;
  job_statements: { job: string; statement: number; evidence: Json<StatementEvidence> };
  job_log: { job: string; seq: number; level: string; text: string };
  job_outputs: {
    job: string;
    position: number;
    name: string;
    descriptor: Json<OutputDescriptor>;
    quarantine_object: string;
    release_object: string | null;
    /** From then on nothing may read the bytes; they are removed a day later. */
    discarded_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
}
