import * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import type { Texts } from "./files.ts";
import { lineAtByte, type PolicyProblem } from "./problem.ts";

export interface PolicyInfo {
  id: string;
  effect: "permit" | "forbid";
  reason: string;
  basis: string;
  /** Where it stands. */
  file: string;
  line: number;
  text: string;
}

export interface ReadPolicies {
  policies: Map<string, PolicyInfo>;
  problems: PolicyProblem[];
}

/** The policies of all Cedar files, keyed by their own `@id`, so that a decision names them as the file does. */
export function readPolicies(files: Texts, reasons: ReadonlySet<string>): ReadPolicies {
  const policies = new Map<string, PolicyInfo>();
  const problems: PolicyProblem[] = [];
  for (const [file, text] of files) {
    if (!file.endsWith(".cedar")) continue;
    const parts = cedar.policySetTextToParts(text);
    if (parts.type === "failure") {
      problems.push(...parts.errors.flatMap(withRelated).map((error) => cedarProblem(error, { file, text })));
      continue;
    }
    for (const template of parts.policy_templates)
      problems.push({ file, line: lineOfPart(text, template, 0), code: "syntax", message: "templates are not used" });
    let from = 0;
    for (const policy of parts.policies) {
      const line = lineOfPart(text, policy, from);
      from = Math.max(text.indexOf(policy, from), from) + 1;
      addPolicy({ policies, problems }, { file, line, text: policy }, reasons);
    }
  }
  return { policies, problems };
}

function addPolicy(
  { policies, problems }: ReadPolicies,
  place: Pick<PolicyInfo, "file" | "line" | "text">,
  reasons: ReadonlySet<string>,
): void {
  const { file, line } = place;
  const json = cedar.policyToJson(place.text);
  if (json.type === "failure") {
    problems.push(...json.errors.map((error) => cedarProblem(error, { file, text: place.text, line })));
    return;
  }
  const { id, reason = "", basis = "" } = json.json.annotations ?? {};
  if (!id || policies.has(id)) {
    const message = id ? `another policy has the id ${id}` : "a policy has an @id of its own";
    problems.push({ file, line, code: "policy_id", message });
    return;
  }
  if (!reason || !reasons.has(reason)) {
    const message = `policy ${id}: its @reason is a code of reasons.yaml, not "${reason ?? ""}"`;
    problems.push({ file, line, code: "policy_reason", message });
  }
  if (!basis?.trim()) problems.push({ file, line, code: "policy_basis", message: `policy ${id}: it names its @basis` });
  policies.set(id, { ...place, id, effect: json.json.effect, reason: reason ?? "", basis: basis ?? "" });
}

/** Checks the policies against the schema, strictly. */
export function validatePolicies(schema: string, policies: ReadonlyMap<string, PolicyInfo>): PolicyProblem[] {
  const answer = cedar.validate({
    validationSettings: { mode: "strict" },
    schema,
    policies: { staticPolicies: textsOf(policies) },
  });
  if (answer.type === "failure") {
    return answer.errors.map((error) => cedarProblem(error, { file: SCHEMA, text: schema }));
  }
  const seen = new Set<string>();
  return [...answer.validationErrors, ...answer.validationWarnings].flatMap(({ policyId, error }) => {
    const policy = policies.get(policyId);
    const place = policy ?? { file: SCHEMA, text: schema, line: 1 };
    const problem = { ...cedarProblem(error, place), code: "schema" as const };
    // an attribute that is missing is told once, not once an action
    const key = `${policyId} ${error.sourceLocations?.[0]?.start ?? -1}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return [problem];
  });
}

export const SCHEMA = "egress.cedarschema";

export function textsOf(policies: ReadonlyMap<string, PolicyInfo>): Record<string, string> {
  return Object.fromEntries([...policies].map(([id, { text }]) => [id, text]));
}

/** The context attributes that policies may speak of, as the schema declares them for `release`. */
export function contextAttributes(schema: string): string[] {
  const answer = cedar.schemaToJson(schema);
  if (answer.type === "failure") return [];
  const namespace = answer.json[""];
  const context: ContextShape | undefined = namespace?.actions["release"]?.appliesTo?.context;
  const named = context?.attributes ? undefined : (context?.name ?? context?.type);
  const shape: ContextShape | undefined = named === undefined ? context : namespace?.commonTypes?.[named];
  return Object.keys(shape?.attributes ?? {});
}

interface ContextShape {
  type?: string;
  name?: string;
  attributes?: Record<string, unknown>;
}

export function schemaProblems(schema: string): PolicyProblem[] {
  const answer = cedar.schemaToJson(schema);
  if (answer.type === "success") return [];
  return answer.errors.map((error) => cedarProblem(error, { file: SCHEMA, text: schema }));
}

function withRelated(error: cedar.DetailedError): cedar.DetailedError[] {
  return [error, ...(error.related ?? []).flatMap(withRelated)];
}

function cedarProblem(error: cedar.DetailedError, place: { file: string; text: string; line?: number }): PolicyProblem {
  const [at] = error.sourceLocations ?? [];
  const line = (place.line ?? 1) + (at ? lineAtByte(place.text, at.start) - 1 : 0);
  const help = [at?.label, error.help].filter((text) => text).join("; ");
  return { file: place.file, line, code: "syntax", message: `${error.message}${help === "" ? "" : ` (${help})`}` };
}

function lineOfPart(text: string, part: string, from: number): number {
  const at = text.indexOf(part, from);
  return at < 0 ? 1 : text.slice(0, at).split("\n").length;
}
