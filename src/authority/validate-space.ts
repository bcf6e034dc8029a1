import type { ProductSpec } from "#contract/product.ts";
import type { Space } from "#contract/space.ts";
import { AppError } from "#kernel/errors.ts";
import { checkSpaceReferences } from "./space-references.ts";
import { checkSpaceShape, type SpaceProblem } from "./space-shape.ts";

export interface SpaceRules {
  /** Rules inside one product's declaration; pointers are relative to it. */
  checkProduct(spec: ProductSpec): readonly SpaceProblem[];
  /** Names of the egress profiles that opinions may name; any when absent. */
  profiles?: readonly string[] | undefined;
}

/**
 * Unknown value → space file. Throws `invalid_space` with every problem in `details.problems`, each with a JSON
 * pointer; what the parts say about each other is looked at once the form is right.
 */
export function validateSpace(value: unknown, rules: SpaceRules): Space {
  const shape = checkSpaceShape(value);
  if (shape.length > 0) throw invalidSpace(shape);
  const space = value as Space;
  const problems = [...checkSpaceReferences(space), ...checkProducts(space, rules), ...checkProfiles(space, rules)];
  if (problems.length > 0) throw invalidSpace(problems);
  return space;
}

export function invalidSpace(problems: readonly SpaceProblem[]): AppError {
  const [first] = problems;
  const message = `${first?.path} ${first?.message}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ""}`;
  return new AppError("invalid_space", message, { details: { problems } });
}

function checkProducts({ products = [] }: Space, { checkProduct }: SpaceRules): SpaceProblem[] {
  return products.flatMap((product, index) =>
    checkProduct(product).map(({ path, message }) => ({ path: `/products/${index}${path}`, message })),
  );
}

function checkProfiles({ scenarios = [] }: Space, { profiles }: SpaceRules): SpaceProblem[] {
  if (!profiles) return [];
  return scenarios.flatMap(({ opinion }, index) => {
    if (!opinion || profiles.includes(opinion.profile)) return [];
    return [{ path: `/scenarios/${index}/opinion/profile`, message: `There is no profile ${opinion.profile}` }];
  });
}
