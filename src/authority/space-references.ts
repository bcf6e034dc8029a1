import type { OrganisationKind } from "#contract/organisation.ts";
import type { ScenarioSpec } from "#contract/scenario.ts";
import type { Space } from "#contract/space.ts";
import { isDay, isPeriod, isWithin, type Period } from "./days.ts";
import type { SpaceProblem } from "./space-shape.ts";

/** What the parts of a well-formed space say about each other: names, references, days, joins. */
export function checkSpaceReferences(space: Space): SpaceProblem[] {
  const { organisations, products = [], scenarios = [], webhooks = [] } = space;
  return [
    ...checkUnique(organisations, "/organisations"),
    ...checkUnique(products, "/products"),
    ...checkUnique(scenarios, "/scenarios"),
    ...checkUnique(webhooks, "/webhooks"),
    ...checkHead(space),
    ...products.flatMap(({ provider }, index) =>
      provider === undefined ? [] : checkKnown(space, provider, { path: `/products/${index}/provider` }),
    ),
    ...scenarios.flatMap((scenario, index) => checkScenario(space, scenario, `/scenarios/${index}`)),
  ];
}

function checkUnique(items: readonly { id: string }[], path: string): SpaceProblem[] {
  return items.flatMap(({ id }, index) => {
    const first = items.findIndex((other) => other.id === id);
    return first === index ? [] : [{ path: `${path}/${index}/id`, message: `${id} is declared twice` }];
  });
}

function checkHead(space: Space): SpaceProblem[] {
  const { operator } = space.headAgreement;
  return [
    ...checkKnown(space, operator, { path: "/headAgreement/operator", kind: "operator" }),
    ...checkTerm(space.headAgreement, "/headAgreement"),
  ];
}

function checkKnown(space: Space, id: string, at: { path: string; kind?: OrganisationKind }): SpaceProblem[] {
  const organisation = space.organisations.find((each) => each.id === id);
  if (!organisation) return [{ path: at.path, message: `There is no organisation ${id}` }];
  if (at.kind === undefined || organisation.kind === at.kind) return [];
  return [{ path: at.path, message: `${id} is not of kind ${at.kind}` }];
}

function checkTerm(period: Period, path: string): SpaceProblem[] {
  const days = (["validFrom", "validTo"] as const).filter((name) => !isDay(period[name]));
  if (days.length > 0) return days.map((name) => ({ path: `${path}/${name}`, message: "is no day of the calendar" }));
  return isPeriod(period) ? [] : [{ path: `${path}/validTo`, message: "ends before it begins" }];
}

function checkScenario(space: Space, scenario: ScenarioSpec, path: string): SpaceProblem[] {
  const { agreement, expertOpinion, opinion } = scenario;
  const problems = [
    ...checkKnown(space, scenario.developer, { path: `${path}/developer`, kind: "developer" }),
    ...checkProducts(space, scenario, path),
    ...checkJoins(space, scenario, path),
  ];
  if (agreement) problems.push(...checkTerm(agreement, `${path}/agreement`));
  if (agreement && isPeriod(agreement) && isPeriod(space.headAgreement) && !isWithin(agreement, space.headAgreement)) {
    problems.push({ path: `${path}/agreement`, message: "lies outside the head agreement's term" });
  }
  if (expertOpinion && !isDay(expertOpinion.date)) {
    problems.push({ path: `${path}/expertOpinion/date`, message: "is no day of the calendar" });
  }
  for (const [index, recipient] of (opinion?.recipients ?? []).entries()) {
    problems.push(...checkKnown(space, recipient, { path: `${path}/opinion/recipients/${index}` }));
  }
  return problems;
}

function checkProducts({ products = [] }: Space, scenario: ScenarioSpec, path: string): SpaceProblem[] {
  return scenario.products.flatMap((id, index) => {
    const at = `${path}/products/${index}`;
    if (!products.some((product) => product.id === id)) return [{ path: at, message: `There is no product ${id}` }];
    return scenario.products.indexOf(id) === index ? [] : [{ path: at, message: `${id} is named twice` }];
  });
}

function checkJoins(space: Space, scenario: ScenarioSpec, path: string): SpaceProblem[] {
  return (scenario.joins ?? []).flatMap((join, index) =>
    (["left", "right"] as const).flatMap((side) => {
      const message = describeColumn(space, scenario, join[side]);
      return message === undefined ? [] : [{ path: `${path}/joins/${index}/${side}`, message }];
    }),
  );
}

/** What is wrong with `product.column`; product names have no dot, column names may. */
function describeColumn(space: Space, scenario: ScenarioSpec, columnPath: string): string | undefined {
  const dot = columnPath.indexOf(".");
  const [id, column] = [columnPath.slice(0, dot), columnPath.slice(dot + 1)];
  if (!scenario.products.includes(id)) return `${id} is not a product of the scenario`;
  const product = space.products?.find((each) => each.id === id);
  if (product && !product.columns.some(({ name }) => name === column)) return `${id} has no column ${column}`;
  return undefined;
}
