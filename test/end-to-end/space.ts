/** A small data space for tests: people with visits, made by arithmetic so that every answer can be counted here. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Space } from "#contract/space.ts";

export interface Person {
  id: number;
  name: string;
  district: string;
  birth: string;
  disease: string | null;
  income: number;
}

const DISTRICTS = ["鹿城", "龙湾", "瓯海", "洞头", "瑞安", "乐清"];

/** 2,000 people; in 洞头 only four have 结核, everywhere else it is common. */
export function people(): Person[] {
  return Array.from({ length: 2000 }, (_, i) => {
    const district = DISTRICTS[i % 6]!;
    const rare = district === "洞头" && i < 24;
    const disease = rare ? "结核" : i % 5 === 1 ? "高血压" : i % 7 === 0 && district !== "洞头" ? "结核" : null;
    const birth = `${1940 + ((i * 7) % 70)}-0${1 + (i % 9)}-1${i % 9}`;
    return { id: 10_000 + i, name: `人${i}`, district, birth, disease, income: 1000 * (20 + ((i * 37) % 180)) };
  });
}

export function visits(): { person_id: number; day: string; clinic: string; cost: number }[] {
  return people().flatMap(({ id }) =>
    Array.from({ length: 1 + (id % 3) }, (_, n) => ({
      person_id: id,
      day: `2026-0${1 + (n % 9)}-05`,
      clinic: `C${id % 5}`,
      cost: 10 + ((id * (n + 3)) % 90),
    })),
  );
}

/** What a person pays for the bill of the Parquet file. */
export function billOf(id: number): number {
  return 5 + (id % 40);
}

function bills(): Uint8Array {
  const ids = people().map(({ id }) => id);
  const columnData = [
    { name: "payer", data: ids.map(BigInt), type: "INT64" as const },
    { name: "amount", data: ids.map(billOf), type: "INT32" as const },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

function csv(rows: readonly object[]): string {
  const lines = rows.map((row) =>
    Object.values(row as Record<string, string | number | null>)
      .map((value) => value ?? "")
      .join(","),
  );
  return [Object.keys(rows[0]!).join(","), ...lines].join("\n");
}

/** Writes the sources and answers the space that declares them. */
export function writeSpace(directory: string): Space {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "people.csv"), csv(people()));
  writeFileSync(join(directory, "visits.json"), JSON.stringify(visits()));
  writeFileSync(join(directory, "bills.parquet"), bills());
  writeFileSync(join(directory, "clinics.csv"), "clinic,kind\nC0,医院\nC1,医院\nC2,卫生院\nC3,卫生院\nC4,诊所\n");
  return {
    space: "test-space",
    organisations: [
      { id: "bureau", kind: "implementing_body" },
      { id: "op", kind: "operator" },
      { id: "health", kind: "data_provider" },
      { id: "acme", kind: "developer" },
      { id: "rival", kind: "developer" },
    ],
    headAgreement: { operator: "op", number: "HA-1", validFrom: "2020-01-01", validTo: "2099-12-31" },
    products: [peopleProduct(directory), visitsProduct(directory), billsProduct(directory), clinicsProduct(directory)],
    scenarios: [scenario("clinic-access", "aggregates", true), scenario("row-study", "rows", false)],
  };
}

function peopleProduct(directory: string): NonNullable<Space["products"]>[number] {
  return {
    id: "people",
    source: { path: join(directory, "people.csv") },
    provider: "health",
    subjectKey: "id",
    grade: "L4",
    columns: [
      { name: "id", role: "subject_key", grade: "L3" },
      { name: "name", role: "identifier", grade: "L4" },
      { name: "district", role: "dimension", grade: "L1" },
      { name: "birth", role: "quasi_identifier", grade: "L3", generalise: ["year", "decade"] },
      { name: "disease", role: "sensitive", grade: "L4" },
      { name: "income", role: "measure", grade: "L3", bounds: [0, 1_000_000] },
    ],
  };
}

function visitsProduct(directory: string): NonNullable<Space["products"]>[number] {
  return {
    id: "visits",
    source: { path: join(directory, "visits.json") },
    provider: "health",
    subjectKey: "person_id",
    grade: "L3",
    columns: [
      { name: "person_id", role: "subject_key", grade: "L3" },
      { name: "day", role: "quasi_identifier", grade: "L3", generalise: ["month", "year"] },
      { name: "clinic", role: "dimension", grade: "L2" },
      { name: "cost", role: "measure", grade: "L3", bounds: [0, 10_000] },
    ],
  };
}

function billsProduct(directory: string): NonNullable<Space["products"]>[number] {
  return {
    id: "bills",
    source: { path: join(directory, "bills.parquet") },
    provider: "health",
    subjectKey: "payer",
    grade: "L3",
    columns: [
      { name: "payer", role: "subject_key", grade: "L3" },
      { name: "amount", role: "measure", grade: "L3", bounds: [0, 1000] },
    ],
  };
}

function clinicsProduct(directory: string): NonNullable<Space["products"]>[number] {
  return {
    id: "clinics",
    source: { path: join(directory, "clinics.csv") },
    grade: "L1",
    columns: [
      { name: "clinic", role: "public", grade: "L1" },
      { name: "kind", role: "public", grade: "L1" },
    ],
  };
}

/** A scenario of the space under another name and opinion. */
export function scenarioLike(id: string, opinion: { autoRelease: boolean }): NonNullable<Space["scenarios"]>[number] {
  return scenario(id, "aggregates", opinion.autoRelease);
}

function scenario(
  id: string,
  visibility: "aggregates" | "rows",
  autoRelease: boolean,
): NonNullable<Space["scenarios"]>[number] {
  return {
    id,
    developer: "acme",
    purpose: "基层医疗可及性分析",
    products: ["people", "visits", "bills", "clinics"],
    joins: [
      { left: "people.id", right: "visits.person_id" },
      { left: "people.id", right: "bills.payer" },
      { left: "visits.clinic", right: "clinics.clinic" },
    ],
    visibility,
    expertOpinion: { issuer: "市司法局", number: `EO-${id}`, date: "2026-01-10" },
    agreement: { number: `CA-${id}`, validFrom: "2020-01-15", validTo: "2099-01-14" },
    opinion: {
      number: `PO-${id}`,
      profile: "controlled",
      outputs: ["statistical_report"],
      recipients: ["acme"],
      autoRelease,
    },
  };
}
