import { pickDisease, pickDistrict, pickEducation, pickOccupation } from "./city.ts";
import { idCard } from "./identifiers.ts";
import { personName } from "./names.ts";
import { createRandom, type Random } from "./random.ts";

export interface Resident {
  id: number;
  name: string;
  id_card: string;
  phone: string;
  district: string;
  district_code: string;
  birth_date: string;
  gender: "男" | "女";
  education: string;
  occupation: string;
  disease: string;
  /** Yuan a year. */
  income: number;
}

/** `count` invented residents with the keys 1 to `count`. */
export function* residents(seed: number, count: number): Generator<Resident, void> {
  const random = createRandom(seed);
  const sequences = new Map<string, number>();
  for (let id = 1; id <= count; id++) yield resident(random, id, sequences);
}

function resident(random: Random, id: number, sequences: Map<string, number>): Resident {
  const district = pickDistrict(random);
  const birthDate = randomBirthDate(random);
  const female = random.unit() < 0.49;
  const name = personName(random);
  const education = pickEducation(random);
  return {
    id,
    name,
    id_card: idCard(district.code, birthDate, nextSequence(sequences, district.code + birthDate, female)),
    phone: `1${random.pick(["35", "38", "58", "77", "88"])}${String(random.integer(100_000_000)).padStart(8, "0")}`,
    district: district.name,
    district_code: district.code,
    birth_date: birthDate,
    gender: female ? "女" : "男",
    education,
    occupation: pickOccupation(random),
    disease: pickDisease(random),
    income: randomIncome(random, education),
  };
}

/** The last digit of the sequence is even for women, and no two people of a place and day share one. */
function nextSequence(sequences: Map<string, number>, placeAndDay: string, female: boolean): number {
  const key = placeAndDay + (female ? "f" : "m");
  const nth = sequences.get(key) ?? 0;
  sequences.set(key, nth + 1);
  return 2 * nth + (female ? 2 : 1);
}

const FIRST_DAY_MS = Date.UTC(1936, 0, 1);
const DAYS = 31_000;
const DAY_MS = 86_400_000;

function randomBirthDate(random: Random): string {
  // The mean of two draws: fewer of the very young and the very old.
  const day = Math.floor(((random.unit() + random.unit()) / 2) * DAYS);
  return new Date(FIRST_DAY_MS + day * DAY_MS).toISOString().slice(0, 10);
}

const SCHOOLING_FACTOR: Readonly<Record<string, number>> = { 大专: 1.15, 本科: 1.4, 研究生: 1.8 };

function randomIncome(random: Random, education: string): number {
  const income = 58_000 * (SCHOOLING_FACTOR[education] ?? 1) * Math.exp(0.55 * random.normal());
  return Math.min(990_000, Math.round(income / 100) * 100);
}
