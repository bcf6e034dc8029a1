import { auditCalls, type AuditCalls } from "./calls/audit.ts";
import {
  organisationCalls,
  productCalls,
  scenarioCalls,
  spaceCalls,
  type OrganisationCalls,
  type ProductCalls,
  type ScenarioCalls,
  type SpaceCalls,
} from "./calls/catalogue.ts";
import {
  egressCalls,
  filingCalls,
  releaseCalls,
  type EgressCalls,
  type FilingCalls,
  type ReleaseCalls,
} from "./calls/egress.ts";
import { jobCalls, type JobCalls } from "./calls/jobs.ts";
import { policyCalls, type PolicyCalls } from "./calls/policies.ts";
import { runnerCalls, type RunnerCalls } from "./calls/runners.ts";
import { runnerNodeCalls, type RunnerNodeCalls } from "./calls/runner-nodes.ts";
import { securityCalls, type SecurityCalls } from "./calls/security.ts";
import { operationCalls, type OperationCalls } from "./calls/operations.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

/** The calls of the HTTP interface, by noun. */
export interface Client {
  jobs: JobCalls;
  products: ProductCalls;
  scenarios: ScenarioCalls;
  space: SpaceCalls;
  egress: EgressCalls;
  releases: ReleaseCalls;
  filings: FilingCalls;
  audit: AuditCalls;
  policies: PolicyCalls;
  runners: RunnerCalls;
  security: SecurityCalls;
  organisations: OrganisationCalls;
  runnerNodes: RunnerNodeCalls;
  operations: OperationCalls;
  /** Whether the server takes requests. */
  isReady(): Promise<boolean>;
}

/** Holds no connection of its own: nothing has to be closed. */
export function createClient(options: TransportOptions): Client {
  const send = createTransport(options);
  const probe = createTransport({ ...options, retries: 0 });
  return {
    jobs: jobCalls(send),
    products: productCalls(send),
    scenarios: scenarioCalls(send),
    space: spaceCalls(send),
    egress: egressCalls(send),
    releases: releaseCalls(send),
    filings: filingCalls(send),
    audit: auditCalls(send),
    policies: policyCalls(send),
    runners: runnerCalls(send),
    security: securityCalls(send),
    organisations: organisationCalls(send),
    runnerNodes: runnerNodeCalls(send),
    operations: operationCalls(send),
    isReady: async () => {
      try {
        const response = await probe({ method: "GET", path: "/readyz" });
        await response.body?.cancel();
        return true;
      } catch {
        return false;
      }
    },
  };
}
