import type { ColumnType, RawBuilder } from "kysely";
import type { EgressFacts, EgressState, Finding, OutputDescriptor, Verdict } from "#contract/egress.ts";
import type { EgressAuthority, PolicyDecision, PolicyReason } from "#contract/policy.ts";
import type { ProductType } from "#contract/scenario.ts";

type Json<T> = ColumnType<T, RawBuilder<T>, RawBuilder<T>>;

export interface Note {
  rule: string;
  message: string;
}

export type ReviewDecided = Pick<PolicyDecision, "bundle" | "verdict" | "reasons" | "authority">;

export interface EgressTables {
  policy_bundles: {
    digest: string;
    files: Json<Record<string, string>>;
    first_used_at: Date;
    adopted_at: Date;
    adopted_by: string;
  };
  egress_requests: {
    id: string;
    job: string;
    scenario: string;
    organisation: string;
    applicant: string;
    state: EgressState;
    verdict: Verdict;
    product_type: ProductType;
    purpose: string;
    recipients: string[];
    findings: Json<Finding[]>;
    facts: Json<EgressFacts>;
    profile: string;
    opinion_number: string | null;
    policy_bundle: string;
    policy_reasons: Json<PolicyReason[]>;
    authority: Json<EgressAuthority> | null;
    created_at: Date;
    updated_at: Date;
  };
  egress_reviews: {
    id: string;
    request: string;
    reviewer: string;
    organisation: string;
    decision: "approve" | "reject" | "return";
    comment: string;
    reason_codes: string[];
    created_at: Date;
    decided: Json<ReviewDecided> | null;
  };
  releases: {
    id: string;
    request: string;
    job: string;
    scenario: string;
    organisation: string;
    state: "released" | "revoked" | "expired";
    verdict: Verdict;
    product_type: ProductType;
    recipients: string[];
    digest: string;
    audit_entry: number;
    released_at: Date;
    revoked_at: Date | null;
    revoked_by: string | null;
    expired_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
  release_outputs: {
    release: string;
    position: number;
    name: string;
    descriptor: Json<OutputDescriptor>;
    object: string;
    notes: Json<Note[]>;
  };
}
