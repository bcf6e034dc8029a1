import { EgressProfile } from "#contract/profile.ts";
import type { Texts } from "./files.ts";
import type { PolicyProblem } from "./problem.ts";
import { lineIn, parseYaml, readYaml, type YamlFile } from "./yaml-file.ts";

interface Range {
  least: number;
  most: number;
  whole?: true;
}

const SHARE: Range = { least: 0.01, most: 1 };
/** What a number may be at all. One that is not named here is at least not negative. */
const RANGES: Readonly<Record<string, Range>> = {
  minSubjects: { least: 3, most: 10_000, whole: true },
  pPercent: { least: 1, most: 100 },
  dominanceTwo: SHARE,
  dominanceOneReview: SHARE,
  dominanceTwoReview: SHARE,
  sparseShareReview: { least: 0, most: 1 },
  maxKeys: { least: 1, most: 64, whole: true },
  maxRows: { least: 1, most: 1_000_000, whole: true },
  reviewers: { least: 1, most: 10, whole: true },
  "rounding/counts": { least: 2, most: 1_000, whole: true },
  "rounding/sumDigits": { least: 1, most: 15, whole: true },
  "rounding/meanDigits": { least: 1, most: 3, whole: true },
};

/** The profiles that every deployment has; an operator may add others. */
const REQUIRED = ["public", "controlled", "enclave_preview", "enterprise"];

export interface ReadProfiles {
  profiles: Map<string, EgressProfile>;
  problems: PolicyProblem[];
}

export function readProfiles(files: Texts): ReadProfiles {
  const profiles = new Map<string, EgressProfile>();
  const sources = new Map<string, YamlFile>();
  const problems: PolicyProblem[] = [];
  for (const [name, text] of files) {
    if (!name.startsWith("profiles/")) continue;
    const file = readYaml(name, text);
    const parsed = parseYaml(file, EgressProfile, "profile_form");
    if ("problems" in parsed) {
      problems.push(...parsed.problems);
      continue;
    }
    problems.push(...checkProfile(file, parsed.value));
    profiles.set(parsed.value.id, parsed.value);
    sources.set(parsed.value.id, file);
  }
  for (const id of REQUIRED.filter((one) => !files.has(`profiles/${one}.yaml`))) {
    problems.push({ file: `profiles/${id}.yaml`, code: "profile_missing", message: `there is no profile ${id}` });
  }
  return { profiles, problems: [...problems, ...checkOrder(profiles, sources)] };
}

function checkProfile(file: YamlFile, profile: EgressProfile): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const say = (pointer: string, code: PolicyProblem["code"], message: string): void =>
    void problems.push({ file: file.name, ...lineIn(file, pointer), code, message });
  if (file.name !== `profiles/${profile.id}.yaml`) say("/id", "profile_form", "the file is named after its profile");
  if (!profile.title.zh.trim() || !profile.title.en.trim()) say("/title", "profile_form", "a title in both languages");
  for (const { path, value, basis } of numbersOf(profile)) {
    if (!basis.trim()) say(`/${path}`, "profile_form", `${path}: a number names its basis`);
    if (typeof value === "number" && !isWithin(value, RANGES[path])) {
      say(`/${path}/value`, "profile_range", `${path}: ${value} is not ${rangeText(RANGES[path])}`);
    }
  }
  const { dominanceOneReview: one, dominanceTwoReview: two, dominanceTwo: most } = profile;
  if (one.value > two.value || two.value > most.value) {
    say("/dominanceTwoReview", "profile_order", "dominanceOneReview ≤ dominanceTwoReview ≤ dominanceTwo does not hold");
  }
  return problems;
}

export interface ProfileNumber {
  /** Field, e.g. `minSubjects` or `rounding/counts`. */
  path: string;
  value: number | string;
  basis: string;
}

/** Every number (and grade) of a profile with its basis; also of one that a program of another age wrote. */
export function numbersOf(profile: unknown, prefix = ""): ProfileNumber[] {
  if (typeof profile !== "object" || profile === null) return [];
  return Object.entries(profile).flatMap(([name, entry]: [string, unknown]): ProfileNumber[] => {
    if (typeof entry !== "object" || entry === null) return [];
    const { value, basis } = entry as Record<string, unknown>;
    const isNumber = typeof value === "number" || typeof value === "string";
    if (isNumber && typeof basis === "string") return [{ path: `${prefix}${name}`, value, basis }];
    return numbersOf(entry, `${prefix}${name}/`);
  });
}

function isWithin(value: number, { least, most, whole }: Range = { least: 0, most: Number.MAX_VALUE }): boolean {
  return Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value));
}

function rangeText(range: Range | undefined): string {
  if (!range) return "a number of at least 0";
  return `a ${range.whole ? "whole " : ""}number from ${range.least} to ${range.most}`;
}

/** k falls as the recipients come closer, and a profile that relies on p % instead of k has a large p. */
function checkOrder(
  profiles: ReadonlyMap<string, EgressProfile>,
  sources: ReadonlyMap<string, YamlFile>,
): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const kOf = (id: string): number => profiles.get(id)?.minSubjects.value ?? Number.NaN;
  const say = (id: string, field: string, message: string): void => {
    const file = sources.get(id);
    if (file) problems.push({ file: file.name, ...lineIn(file, `/${field}/value`), code: "profile_order", message });
  };
  if (kOf("public") < kOf("controlled")) say("public", "minSubjects", "public asks for fewer subjects than controlled");
  if (kOf("controlled") < kOf("enclave_preview")) {
    say("controlled", "minSubjects", "controlled asks for fewer subjects than enclave_preview");
  }
  const enterprise = profiles.get("enterprise");
  if (enterprise && enterprise.minSubjects.value < 5 && enterprise.pPercent.value < 15) {
    say("enterprise", "pPercent", "fewer than five enterprises are enough only with a p % of at least 15");
  }
  return problems;
}
