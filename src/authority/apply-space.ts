import { type AuditActor, type AuditContext, withAudit } from "#audit/index.ts";
import type { ProductSpec } from "#contract/product.ts";
import type { ApplyChange, ApplyResult, Space } from "#contract/space.ts";
import type { WebhookSpec } from "#contract/webhook.ts";
import type { Clock } from "#kernel/clock.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import type { Database } from "#persistence/index.ts";
import { applyScenario } from "./apply-scenario.ts";
import { putHeadAgreement } from "./head-agreement.ts";
import { putOrganisation } from "./organisation.ts";
import type { SpaceProblem } from "./space-shape.ts";
import { invalidSpace, type SpaceRules, validateSpace } from "./validate-space.ts";

/** How products are looked at and published: the catalogue's part of an apply. */
export interface ProductDeclarations<Inspected> {
  check(spec: ProductSpec): readonly SpaceProblem[];
  /** Reads the source; outside of the transaction. */
  inspect(spec: ProductSpec): Promise<Inspected>;
  publish(
    context: AuditContext,
    spec: ProductSpec,
    inspected: Inspected,
  ): Promise<{ change: "created" | "updated" | "unchanged" }>;
}

/** The part of an apply that belongs to webhooks: those that the file does not name stay as they are. */
export type WebhookDeclaration = (
  context: AuditContext,
  spec: WebhookSpec,
) => Promise<"created" | "updated" | "unchanged">;

export interface SpaceAuthority<Inspected> {
  db: Database;
  clock: Clock;
  /** Whether the server runs in development mode. */
  development: boolean;
  products: ProductDeclarations<Inspected>;
  profiles?: SpaceRules["profiles"];
  /** Absent: a file that declares webhooks is refused with `not_supported`. */
  putWebhook?: WebhookDeclaration;
}

export interface SpaceApplication {
  /** As it came in; it is validated here. */
  space: unknown;
  /** Take the steps of other organisations too. */
  development: boolean;
  actor: AuditActor;
  requestId?: string | undefined;
}

/**
 * Brings the data space to what the file declares, in one transaction: all of it or, when anything is refused,
 * nothing. Applying the same file again changes nothing. Stops at steps of the implementing body (`waiting`), unless
 * the server and the request are for development. For the operator of the file's head agreement only (`forbidden`).
 */
export async function applySpace<Inspected>(
  authority: SpaceAuthority<Inspected>,
  application: SpaceApplication,
): Promise<ApplyResult> {
  const { db, clock, products, profiles } = authority;
  const { development, actor, requestId } = application;
  if (development && !authority.development) throw new AppError("development_only");
  const space = validateSpace(application.space, { checkProduct: products.check, profiles });
  if (actor.organisation !== space.headAgreement.operator) {
    throw new AppError("forbidden", "A space file is applied by the operator that its head agreement names");
  }
  const inspected = await inspectAll(products, space);
  return await withAudit(db, { actor, clock, requestId }, async (context) => {
    const changes = [
      ...(await applyOrganisations(context, space)),
      ...(await applyProducts(context, { space, products, inspected })),
      ...(await applyScenarios(context, space, development)),
      ...(await applyWebhooks(context, space, authority.putWebhook)),
    ];
    return { space: space.space, changes };
  });
}

async function applyOrganisations(context: AuditContext, space: Space): Promise<ApplyChange[]> {
  const changes: ApplyChange[] = [];
  for (const organisation of space.organisations) {
    const change = await putOrganisation(context, organisation);
    changes.push({ kind: "organisation", id: organisation.id, change });
  }
  const change = await putHeadAgreement(context, space.headAgreement);
  return [...changes, { kind: "head_agreement", id: space.headAgreement.number, change }];
}

async function applyProducts<Inspected>(
  context: AuditContext,
  declared: { space: Space; products: ProductDeclarations<Inspected>; inspected: readonly Inspected[] },
): Promise<ApplyChange[]> {
  const changes: ApplyChange[] = [];
  for (const [index, source] of declared.inspected.entries()) {
    const spec = declared.space.products?.[index];
    if (!spec) throw new Error("a source was inspected that no product declares");
    const { change } = await declared.products.publish(context, spec, source);
    changes.push({ kind: "product", id: spec.id, change });
  }
  return changes;
}

async function applyScenarios(context: AuditContext, space: Space, development: boolean): Promise<ApplyChange[]> {
  const changes: ApplyChange[] = [];
  const headAgreement = space.headAgreement.number;
  for (const spec of space.scenarios ?? []) {
    changes.push(...(await applyScenario(context, { spec, headAgreement, development })));
  }
  return changes;
}

async function applyWebhooks(
  context: AuditContext,
  { webhooks = [] }: Space,
  putWebhook: WebhookDeclaration | undefined,
): Promise<ApplyChange[]> {
  const changes: ApplyChange[] = [];
  for (const spec of webhooks) {
    if (!putWebhook) throw new AppError("not_supported", "this server sends no webhooks");
    changes.push({ kind: "webhook", id: spec.id, change: await putWebhook(context, spec) });
  }
  return changes;
}

/** All sources are looked at before anything is refused, so that all bad ones are listed at once. */
async function inspectAll<Inspected>(products: ProductDeclarations<Inspected>, space: Space): Promise<Inspected[]> {
  const inspected: Inspected[] = [];
  const problems: SpaceProblem[] = [];
  for (const [index, spec] of (space.products ?? []).entries()) {
    try {
      inspected.push(await products.inspect(spec));
    } catch (error) {
      problems.push(...problemsOf(error, `/products/${index}`));
    }
  }
  if (problems.length > 0) throw invalidSpace(problems);
  return inspected;
}

function problemsOf(error: unknown, path: string): SpaceProblem[] {
  if (!isAppError(error, "invalid_product")) throw error;
  const problems = error.details?.["problems"] as readonly SpaceProblem[] | undefined;
  return (problems ?? []).map((problem) => ({ path: path + problem.path, message: problem.message }));
}
