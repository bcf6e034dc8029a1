import { canonicalJson } from "#kernel/canonical-json.ts";
import { type Digest, sha256 } from "#kernel/digest.ts";
import type { AgreementRow, OpinionRow } from "./rows.ts";
import { type LockedScenario, productsOf } from "./locked-scenario.ts";
import type { StepContext } from "./step-context.ts";

/** Digest of what a filing of the agreement says: its term, its quota if it has one, and the scenario that it permits. */
export async function contentOfAgreement(
  context: StepContext,
  scenario: LockedScenario,
  agreement: Pick<AgreementRow, "number" | "valid_from" | "valid_to" | "quota">,
): Promise<Digest> {
  const { number, valid_from, valid_to, quota } = agreement;
  const terms = { number, valid_from, valid_to, ...(quota === null ? {} : { quota }) };
  return digestOf({ ...(await subjectMatter(context, scenario)), ...terms });
}

/** Digest of what a filing of the opinion says: its terms and the scenario that it covers. */
export async function contentOfOpinion(
  context: StepContext,
  scenario: LockedScenario,
  opinion: Pick<OpinionRow, "number" | "profile" | "outputs" | "recipients" | "auto_release">,
): Promise<Digest> {
  const { number, profile, outputs, recipients, auto_release } = opinion;
  const terms = { number, profile, outputs, recipients, auto_release };
  return digestOf({ ...(await subjectMatter(context, scenario)), ...terms });
}

async function subjectMatter(context: StepContext, scenario: LockedScenario) {
  const { id, developer, head_agreement, purpose, visibility, joins } = scenario;
  return { id, developer, head_agreement, purpose, visibility, joins, products: await productsOf(context, id) };
}

function digestOf(content: object): Digest {
  return sha256(canonicalJson(content));
}
