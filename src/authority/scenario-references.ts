import type { ScenarioSpec } from "#contract/scenario.ts";
import { AppError } from "#kernel/errors.ts";
import { requireOperator } from "./actors.ts";
import type { StepContext } from "./step-context.ts";

/** What a scenario names must be there: head agreement (of the caller), developer, products, joined columns. */
export async function requireReferences(
  context: StepContext,
  { spec, headAgreement }: { spec: ScenarioSpec; headAgreement: string },
): Promise<void> {
  const { tx } = context;
  const head = await tx
    .selectFrom("head_agreements")
    .select("operator")
    .where("number", "=", headAgreement)
    .executeTakeFirst();
  if (!head) throw new AppError("authority_missing", "There is no such head agreement");
  requireOperator(context, head.operator);
  const developer = await tx
    .selectFrom("organisations")
    .select("id")
    .where("id", "=", spec.developer)
    .where("kind", "=", "developer")
    .executeTakeFirst();
  if (!developer) throw new AppError("invalid_request", `There is no developer organisation ${spec.developer}`);
  if (new Set(spec.products).size !== spec.products.length) {
    throw new AppError("invalid_request", "A product is named twice");
  }
  const found = await tx.selectFrom("products").select("id").where("id", "in", spec.products).execute();
  const missing = spec.products.filter((id) => !found.some((product) => product.id === id));
  if (missing.length > 0) throw new AppError("invalid_request", "Unknown products", { details: { missing } });
  await requireJoins(context, spec);
}

/** Joins name listed columns of the scenario's products, as their newest versions declare them. */
async function requireJoins({ tx }: StepContext, { products, joins = [] }: ScenarioSpec): Promise<void> {
  if (joins.length === 0) return;
  const declared = await tx
    .selectFrom("products as p")
    .innerJoin("product_versions as v", "v.id", "p.latest_version")
    .select("v.spec")
    .where("p.id", "in", products)
    .execute();
  const columns = new Set(declared.flatMap(({ spec }) => spec.columns.map(({ name }) => `${spec.id}.${name}`)));
  const unknown = joins.flatMap(({ left, right }) => [left, right]).filter((path) => !columns.has(path));
  if (unknown.length > 0) throw new AppError("invalid_request", "Unknown columns in joins", { details: { unknown } });
}
