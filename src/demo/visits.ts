import { DISTRICTS, pickDepartment } from "./city.ts";
import { createRandom, type Random } from "./random.ts";

export interface Visit {
  visit_id: number;
  person_id: number;
  day: string;
  clinic: string;
  department: string;
  /** Yuan. */
  cost: number;
}

const CLINICS = DISTRICTS.flatMap(({ weight, value }) =>
  Array.from({ length: Math.max(2, Math.round(weight / 18)) }, (_, index) => `${value.name}第${index + 1}卫生院`),
);
const FIRST_DAY_MS = Date.UTC(2025, 0, 1);
const DAY_MS = 86_400_000;
/** Above 1: a few people have very many visits, most have few, some none. */
const SKEW = 1.6;

/** `count` invented visits of the residents 1 to `people`. */
export function* visits(seed: number, count: number, people: number): Generator<Visit, void> {
  const random = createRandom(seed);
  for (let id = 1; id <= count; id++) yield visit(random, id, people);
}

function visit(random: Random, id: number, people: number): Visit {
  const person = 1 + Math.floor(people * random.unit() ** SKEW);
  // Whoever comes again comes to one of two places.
  const clinic = CLINICS[(person * 31 + (random.unit() < 0.8 ? 0 : 17)) % CLINICS.length];
  const cost = Math.min(49_000, 85 * Math.exp(0.9 * random.normal()));
  return {
    visit_id: id,
    person_id: person,
    day: new Date(FIRST_DAY_MS + random.integer(365) * DAY_MS).toISOString().slice(0, 10),
    clinic: clinic ?? "",
    department: pickDepartment(random),
    cost: Math.round(cost * 100) / 100,
  };
}
