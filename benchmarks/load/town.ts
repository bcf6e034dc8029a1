/** The data space of the load benchmark: one product and twenty developers, each with a scenario of its own. */
import type { Space } from "#contract/space.ts";

export const ORGANISATIONS = 20;

export function organisationOf(index: number): string {
  return `dev-${String(index + 1).padStart(2, "0")}`;
}

export function scenarioOf(organisation: string): string {
  return `study-${organisation}`;
}

/** DuckDB statement that makes the table from which the product comes. */
export function peopleTable(people: number): string {
  return `create table people as select i as id, 'district ' || (i % 12) as district,
    'g' || (i % 7) as age_group, (20000 + (i * 7919) % 180000)::integer as income from range(${people}) t(i)`;
}

/**
 * The mix: four in five ask by district, the others also by age group. Each asks about other rows than those before, so that
 * nothing that is known helps.
 */
export function queryOf(n: number): string {
  const where = `where age_group <> 'x${n}'`;
  return n % 5 === 4
    ? `select district, age_group, count(*) as n, avg(income) as income from people ${where} group by district, age_group`
    : `select district, count(*) as n, avg(income) as income from people ${where} group by district`;
}

/** Different questions among those that are asked again and again, as those of a report are. */
const REPORT = 5;

/** The mix in which every other question was asked before. */
export function halfKnown(n: number): string {
  return queryOf(n % 2 === 0 ? n : n % (2 * REPORT));
}

/** How many of `clients` each organisation has: shares fall with the rank to the power of 0.7, and none has none. */
export function clientsByOrganisation(clients: number): number[] {
  const counts = Array.from({ length: ORGANISATIONS }, () => 0);
  for (let client = 0; client < clients; client++) {
    const claims = counts.map((count, rank) => (rank + 1) ** -0.7 / (count + (count === 0 ? 0.01 : 1)));
    counts[claims.indexOf(Math.max(...claims))]! += 1;
  }
  return counts;
}

export function loadSpace(source: string): Space {
  const developers = Array.from({ length: ORGANISATIONS }, (_, index) => organisationOf(index));
  return {
    space: "load",
    organisations: [
      { id: "bureau", kind: "implementing_body" },
      { id: "op", kind: "operator" },
      ...developers.map((id) => ({ id, kind: "developer" as const })),
    ],
    headAgreement: { operator: "op", number: "HA-1", validFrom: "2020-01-01", validTo: "2099-12-31" },
    products: [
      {
        id: "people",
        source: { path: source },
        subjectKey: "id",
        grade: "L3",
        columns: [
          { name: "id", role: "subject_key", grade: "L3" },
          { name: "district", role: "dimension", grade: "L1" },
          { name: "age_group", role: "dimension", grade: "L1" },
          { name: "income", role: "measure", grade: "L3", bounds: [0, 1_000_000] },
        ],
      },
    ],
    scenarios: developers.map(scenario),
  };
}

function scenario(developer: string): NonNullable<Space["scenarios"]>[number] {
  return {
    id: scenarioOf(developer),
    developer,
    purpose: "load benchmark",
    products: ["people"],
    expertOpinion: { issuer: "x", number: `EO-${developer}`, date: "2026-01-01" },
    agreement: { number: `CA-${developer}`, validFrom: "2020-01-01", validTo: "2099-12-31" },
    opinion: {
      number: `PO-${developer}`,
      profile: "controlled",
      outputs: ["statistical_report"],
      recipients: [developer],
      autoRelease: true,
    },
  };
}
