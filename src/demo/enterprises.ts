import { pickDistrict, pickIndustry } from "./city.ts";
import { CREDIT_ALPHABET, creditCode } from "./identifiers.ts";
import { enterpriseName } from "./names.ts";
import { createRandom, type Random } from "./random.ts";

export interface Enterprise {
  credit_code: string;
  name: string;
  district: string;
  industry: string;
  employees: number;
  /** Ten thousand yuan a year. */
  revenue: number;
}

const CREDIT_CHARACTERS = Array.from(CREDIT_ALPHABET);

/** `count` invented enterprises; a few giants hold most of the revenue of their industry. */
export function* enterprises(seed: number, count: number): Generator<Enterprise, void> {
  const random = createRandom(seed);
  const taken = new Set<string>();
  for (let number = 1; number <= count; number++) yield enterprise(random, number, taken);
}

function enterprise(random: Random, number: number, taken: Set<string>): Enterprise {
  const district = pickDistrict(random);
  const industry = pickIndustry(random);
  const giant = random.unit() < 0.002;
  const employees = giant ? 4000 + random.integer(20_000) : Math.ceil(18 * Math.exp(random.normal()));
  const perHead = (giant ? 220 : 60) * Math.exp(0.4 * random.normal());
  return {
    credit_code: creditCode(district.code, unusedOrganisation(random, taken)),
    name: enterpriseName(random, industry, number),
    district: district.name,
    industry,
    employees,
    revenue: Math.round(employees * perHead * 100) / 100,
  };
}

function unusedOrganisation(random: Random, taken: Set<string>): string {
  for (;;) {
    const organisation = `MA${Array.from({ length: 6 }, () => random.pick(CREDIT_CHARACTERS)).join("")}`;
    if (taken.has(organisation)) continue;
    taken.add(organisation);
    return organisation;
  }
}
