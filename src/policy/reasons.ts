import { Type } from "typebox";
import type { PolicyProblem } from "./problem.ts";
import { parseYaml, readYaml } from "./yaml-file.ts";

export interface ReasonText {
  zh: string;
  en: string;
}

const Text = Type.String({ pattern: String.raw`\S` });
const Reasons = Type.Record(
  Type.String({ pattern: "^[a-z][a-z0-9_]*$" }),
  Type.Object({ zh: Text, en: Text }, { additionalProperties: false }),
);

/** Codes that the program itself gives: what no policy permits, and a policy that could not be evaluated. */
export const OWN_REASONS = ["not_permitted", "not_permitted_automatically", "policy_failed"] as const;

export function readReasons(
  name: string,
  text: string,
): { reasons: Map<string, ReasonText>; problems: PolicyProblem[] } {
  const file = readYaml(name, text);
  const parsed = parseYaml(file, Reasons, "reason_text");
  const reasons = new Map(Object.entries((file.value ?? {}) as Record<string, ReasonText>));
  if ("problems" in parsed) return { reasons, problems: parsed.problems };
  const missing = OWN_REASONS.filter((code) => !reasons.has(code));
  const problems = missing.map((code): PolicyProblem => ({
    file: name,
    code: "reason_text",
    message: `the code ${code} has no text`,
  }));
  return { reasons, problems };
}
