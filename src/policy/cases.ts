import { Type, type Static } from "typebox";
import { OneOf } from "#contract/common.ts";
import { EgressFacts } from "#contract/egress.ts";
import { EgressAuthority } from "#contract/policy.ts";
import { isRule } from "#contract/rules.ts";
import type { Texts } from "./files.ts";
import type { PolicyProblem } from "./problem.ts";
import { lineIn, parseYaml, readYaml, type YamlFile } from "./yaml-file.ts";

const SomeFacts = Type.Partial(EgressFacts, { additionalProperties: false });
const SomeAuthority = Type.Partial(EgressAuthority, { additionalProperties: false });
const EFFECTS = ["blockedBy", "reviewBy", "suppressedBy", "transformedBy"] as const;
export type EffectField = (typeof EFFECTS)[number];

const CaseFile = Type.Object(
  {
    /** What all cases of the file begin with. */
    given: Type.Object({ facts: EgressFacts, authority: EgressAuthority }, { additionalProperties: false }),
    cases: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1 }),
          facts: Type.Optional(SomeFacts),
          authority: Type.Optional(SomeAuthority),
          /** The case once for each of the rules: `{ blockedBy: [R3, R19] }`. */
          each: Type.Optional(
            Type.Partial(Type.Object(Object.fromEntries(EFFECTS.map((name) => [name, Type.Array(Type.String())]))), {
              additionalProperties: false,
              minProperties: 1,
              maxProperties: 1,
            }),
          ),
          expect: Type.Object(
            {
              verdict: OneOf(["release", "release_transformed", "review", "block"]),
              /** Codes of all reasons. */
              reasons: Type.Array(Type.String(), { minItems: 1 }),
            },
            { additionalProperties: false },
          ),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false },
);
type DeclaredCase = Static<typeof CaseFile>["cases"][number];

/** One question with the answer that it must have. */
export interface PolicyCase {
  name: string;
  file: string;
  line: number;
  facts: EgressFacts;
  authority: EgressAuthority;
  expect: DeclaredCase["expect"];
}

export function readCases(texts: Texts): { cases: PolicyCase[]; problems: PolicyProblem[] } {
  const cases: PolicyCase[] = [];
  const problems: PolicyProblem[] = [];
  for (const [name, text] of texts) {
    const file = readYaml(name, text);
    const parsed = parseYaml(file, CaseFile, "case_form");
    if ("problems" in parsed) {
      problems.push(...parsed.problems);
      continue;
    }
    const { given } = parsed.value;
    const own = parsed.value.cases.flatMap((one, i) => expand(file, { one, i, given }));
    cases.push(...own);
    problems.push(...own.flatMap(unknownRules), ...repeated(own));
  }
  return { cases, problems };
}

interface Declared {
  one: DeclaredCase;
  i: number;
  given: Static<typeof CaseFile>["given"];
}

function expand(file: YamlFile, { one, i, given }: Declared): PolicyCase[] {
  const place = { file: file.name, line: lineIn(file, `/cases/${i}/name`).line ?? 1 };
  const authority = { ...given.authority, ...one.authority };
  const facts = { ...given.facts, ...one.facts };
  const { name, expect, each } = one;
  const field = EFFECTS.find((effect) => each?.[effect]);
  if (!field) return [{ ...place, name, facts, authority, expect }];
  return (each?.[field] ?? []).map((rule) => ({
    ...place,
    name: `${name} (${rule})`,
    facts: { ...facts, [field]: [rule] },
    authority,
    expect,
  }));
}

export function rulesIn(facts: EgressFacts): { field: EffectField; rule: string }[] {
  return EFFECTS.flatMap((field) => (facts[field] ?? []).map((rule) => ({ field, rule })));
}

function unknownRules({ file, line, name, facts }: PolicyCase): PolicyProblem[] {
  const unknown = rulesIn(facts).filter(({ rule }) => !isRule(rule));
  return unknown.map(({ rule }) => ({ file, line, code: "case_form", message: `${name}: there is no rule ${rule}` }));
}

function repeated(cases: readonly PolicyCase[]): PolicyProblem[] {
  const seen = new Set<string>();
  const again = cases.filter(({ name }) => seen.has(name) || void seen.add(name));
  return again.map(({ file, line, name }) => ({
    file,
    line,
    code: "case_form",
    message: `two cases are called ${name}`,
  }));
}
