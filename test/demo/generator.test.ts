import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { creditCode, enterprises, idCard, residents, visits, writeDemoSpace } from "#demo/index.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const people = [...residents(1, 5000)];

/** The check as ISO 7064 MOD 11-2 states it, independent of the generator's tables. */
function isIdCard(text: string): boolean {
  const digits = Array.from(text, (c) => (c === "X" ? 10 : Number(c)));
  return /^\d{17}[\dX]$/.test(text) && [...WEIGHTS, 1].reduce((sum, w, i) => sum + w * (digits[i] ?? 0), 0) % 11 === 1;
}

/** MOD 31: weights are the powers of 3, and the whole is a multiple of 31. */
function isCreditCode(text: string): boolean {
  const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
  let weight = 1;
  let sum = 0;
  for (const character of text.slice(0, 17)) {
    sum += weight * alphabet.indexOf(character);
    weight = (weight * 3) % 31;
  }
  return /^[0-9A-HJ-NP-RTUWXY]{18}$/.test(text) && (sum + alphabet.indexOf(text.slice(17))) % 31 === 0;
}

t.test("the check characters are those of known good numbers", async (t) => {
  for (const known of ["11010519491231002X", "440524188001010014", "330302190001010012", "33030219000101008X"]) {
    const day = `${known.slice(6, 10)}-${known.slice(10, 12)}-${known.slice(12, 14)}`;
    t.equal(idCard(known.slice(0, 6), day, Number(known.slice(14, 17))), known);
    t.ok(isIdCard(known));
  }
  for (const known of ["91350100M000100Y43", "91440300708461136T"]) t.ok(isCreditCode(known));
  t.notOk(isCreditCode("91440300708461136X"));
  // GB 11714: 350100M000100Y4 and 70846113-6 carry these organisation checks
  t.equal(creditCode("350100", "M000100Y"), "91350100M000100Y43");
  t.equal(creditCode("440300", "70846113"), "91440300708461136T");
});

t.test("every resident has a valid number of its own that agrees with birth, place and gender", async (t) => {
  t.equal(new Set(people.map(({ id_card }) => id_card)).size, people.length);
  t.same(
    people.map(({ id }) => id),
    Array.from(people, (_, index) => index + 1),
  );
  for (const person of people) {
    const { id_card: number } = person;
    const agrees =
      isIdCard(number) &&
      number.startsWith(person.district_code) &&
      number.slice(6, 14) === person.birth_date.replaceAll("-", "") &&
      (Number(number[16]) % 2 === 0) === (person.gender === "女");
    if (!agrees) t.fail("an identity number does not agree with its resident", { id: person.id });
  }
});

t.test("every resident has a plausible row", async (t) => {
  for (const person of people) {
    if (!/^1[3-9]\d{9}$/.test(person.phone)) t.fail("phone");
    if (new Date(person.birth_date).toISOString().slice(0, 10) !== person.birth_date) t.fail("birth_date");
    if (!(person.income > 0 && person.income <= 1_000_000)) t.fail("income");
    if (!/^\p{Script=Han}{2,4}$/u.test(person.name)) t.fail("name");
  }
  const districts = Map.groupBy(people, ({ district }) => district);
  t.equal(districts.size, 12);
  t.ok((districts.get("瑞安市")?.length ?? 0) > 5 * (districts.get("洞头区")?.length ?? 0), "districts differ in size");
  const diseases = Map.groupBy(people, ({ disease }) => disease);
  t.ok((diseases.get("无")?.length ?? 0) > 2500);
  t.ok((diseases.get("帕金森病")?.length ?? 0) < 20, "some diseases are rare");
});

t.test("visits belong to residents and a few people have very many", async (t) => {
  const rows = [...visits(2, 15_000, 5000)];
  const perPerson = Map.groupBy(rows, ({ person_id }) => person_id);
  for (const person of perPerson.keys()) if (!(person >= 1 && person <= 5000)) t.fail("person_id");
  const counts = [...perPerson.values()].map(({ length }) => length).toSorted((a, b) => b - a);
  t.ok((counts[0] ?? 0) > 20, "the busiest");
  t.equal(counts[Math.floor(counts.length / 2)], 3, "the median");
  t.ok(rows.every(({ cost, clinic, day }) => cost > 0 && cost < 50_000 && clinic !== "" && day.startsWith("2025-")));
});

t.test("enterprises have valid codes of their own and a few dominate", async (t) => {
  const rows = [...enterprises(3, 3000)];
  t.equal(new Set(rows.map(({ credit_code }) => credit_code)).size, rows.length);
  t.same(
    rows.filter(({ credit_code }) => !isCreditCode(credit_code)),
    [],
  );
  const revenues = rows.map(({ revenue }) => revenue).toSorted((a, b) => b - a);
  const sum = revenues.reduce((total, revenue) => total + revenue, 0);
  const largest = revenues.slice(0, 10).reduce((total, revenue) => total + revenue, 0);
  t.ok(largest > sum / 3, "ten of three thousand hold more than a third");
});

t.test("a seed fixes every value, and another seed gives another city", async (t) => {
  const digest = (seed: number) =>
    sha256(canonicalJson([[...residents(seed, 300)], [...visits(seed, 300, 300)], [...enterprises(seed, 100)]]));
  t.equal(digest(7), digest(7));
  t.not(digest(7), digest(8));
  t.equal(
    digest(7),
    "sha256:547d18f95ffecef6db16ea45ac774cceaed98f803c290c5a511dd34f966cd3c6",
    "the same on every machine",
  );
});

t.test("the files are the same byte for byte each time, and the space file is in force this year", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-demo-"));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const size = { seed: 5, residents: 200, visits: 400, enterprises: 50 };
  const digests = async (name: string): Promise<string[]> => {
    const space = await writeDemoSpace(join(directory, name), size);
    t.match(await readFile(space, "utf8"), `validFrom: ${new Date().getUTCFullYear()}-01-01`);
    const files = ["residents.csv", "visits.json", "enterprises.parquet"];
    return await Promise.all(files.map(async (file) => sha256(await readFile(join(directory, name, file)))));
  };
  t.same(await digests("a"), await digests("b"));
  const [first] = (await readFile(join(directory, "a", "residents.csv"), "utf8")).split("\n", 1);
  t.equal(first, "id,name,id_card,phone,district,district_code,birth_date,gender,education,occupation,disease,income");
});
