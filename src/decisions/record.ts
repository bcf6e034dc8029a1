import type { Selectable } from "kysely";
import type { PolicyDecision, PolicyRecord } from "#contract/policy.ts";
import type { Database, Schema } from "#persistence/index.ts";

type RequestRow = Selectable<Schema["egress_requests"]>;

/** What the policies were asked about a request, each time, and what they said: enough to ask them again. */
export async function policyRecord(db: Database, request: RequestRow): Promise<PolicyRecord> {
  const reviews = await db
    .selectFrom("egress_reviews")
    .select(["id", "created_at", "decided"])
    .where("request", "=", request.id)
    .orderBy("id")
    .execute();
  const reviewed = reviews.flatMap(({ id, created_at: at, decided }): PolicyDecision[] =>
    decided === null ? [] : [{ on: id, at: at.toISOString(), ...decided }],
  );
  return {
    request: request.id,
    scenario: request.scenario,
    profile: request.profile,
    facts: request.facts,
    decisions: [opened(request, reviews.length > 0), ...reviewed],
  };
}

/** Reviews overwrite the verdict of a request; there are none unless the policies first sent it to a person. */
function opened(request: RequestRow, isReviewed: boolean): PolicyDecision {
  const { authority } = request;
  return {
    on: "opened",
    at: request.created_at.toISOString(),
    bundle: request.policy_bundle,
    verdict: isReviewed ? "review" : request.verdict,
    reasons: request.policy_reasons,
    ...(authority === null ? {} : { authority }),
  };
}
