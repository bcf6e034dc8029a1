import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import { Value } from "typebox/value";
import { parse as parseYaml } from "yaml";
import { EgressProfile } from "#contract/profile.ts";
import { SecurityThresholds } from "#contract/security.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { type Digest, sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";

export interface ReasonText {
  zh: string;
  en: string;
}

export interface PolicyInfo {
  id: string;
  effect: "permit" | "forbid";
  reason: string;
  basis: string;
}

/** Policies, reason texts and profiles as one validated set, named by a digest over all of its files. */
export interface PolicyBundle {
  readonly digest: Digest;
  readonly policies: ReadonlyMap<string, PolicyInfo>;
  readonly reasons: ReadonlyMap<string, ReasonText>;
  readonly profiles: ReadonlyMap<string, EgressProfile>;
  /** When repeated events raise an alarm. */
  readonly security: SecurityThresholds;
  readonly schemaName: string;
  readonly policySetId: string;
}

/** Reads a policy directory; anything that is not valid stops the process. */
export function loadPolicyBundle(directory: string): PolicyBundle {
  const texts = readTexts(directory);
  const schema = required(texts, "egress.cedarschema");
  const policyTexts = namedPolicies(required(texts, "egress.cedar"));
  const reasons = parseReasons(required(texts, "reasons.yaml"));
  const policies = new Map(Object.entries(policyTexts).map(([id, text]) => [id, describePolicy(id, text, reasons)]));
  const digest = sha256(canonicalJson(Object.fromEntries([...texts].map(([name, text]) => [name, sha256(text)]))));
  validatePolicies(schema, policyTexts);
  expectSuccess(cedar.preparseSchema(digest, schema));
  expectSuccess(cedar.preparsePolicySet(digest, { staticPolicies: policyTexts }));
  const security = parseThresholds(required(texts, "security.yaml"));
  const profiles = parseProfiles(texts);
  return { digest, policies, reasons, profiles, security, schemaName: digest, policySetId: digest };
}

function readTexts(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(cedar|cedarschema|yaml)$/.test(name))
    .toSorted();
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}

function required(texts: ReadonlyMap<string, string>, name: string): string {
  const text = texts.get(name);
  if (text === undefined) throw invalid(`the policy directory holds no ${name}`);
  return text;
}

/** Policies keyed by their own `@id`, so that a decision names them as the file does. */
function namedPolicies(text: string): Record<string, string> {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === "failure") throw invalid(parts.errors.map((error) => error.message).join("; "));
  if (parts.policy_templates.length > 0) throw invalid("policy templates are not used here");
  const named: Record<string, string> = {};
  for (const policy of parts.policies) {
    const id = annotationsOf(policy)["id"];
    if (!id || Object.hasOwn(named, id)) throw invalid(`a policy has no id of its own: ${id ?? policy.slice(0, 60)}`);
    named[id] = policy;
  }
  return named;
}

function annotationsOf(policy: string): Record<string, string | null> {
  const json = cedar.policyToJson(policy);
  if (json.type === "failure") throw invalid(json.errors.map((error) => error.message).join("; "));
  return json.json.annotations ?? {};
}

function describePolicy(id: string, policy: string, reasons: ReadonlyMap<string, ReasonText>): PolicyInfo {
  const { reason, basis } = annotationsOf(policy);
  if (!reason || !reasons.has(reason)) throw invalid(`policy ${id}: the reason code is not in reasons.yaml`);
  if (!basis) throw invalid(`policy ${id}: a policy names its basis`);
  const json = cedar.policyToJson(policy);
  if (json.type === "failure") throw invalid(`policy ${id} does not parse`);
  return { id, effect: json.json.effect, reason, basis };
}

function validatePolicies(schema: string, staticPolicies: Record<string, string>): void {
  const answer = cedar.validate({ validationSettings: { mode: "strict" }, schema, policies: { staticPolicies } });
  if (answer.type === "failure") throw invalid(answer.errors.map((error) => error.message).join("; "));
  const problems = [...answer.validationErrors, ...answer.validationWarnings];
  if (problems.length > 0) throw invalid(problems.map((p) => `${p.policyId}: ${p.error.message}`).join("; "));
}

function expectSuccess(answer: cedar.CheckParseAnswer): void {
  if (answer.type === "failure") throw invalid(answer.errors.map((error) => error.message).join("; "));
}

function parseReasons(text: string): Map<string, ReasonText> {
  const value: unknown = parseYaml(text);
  const reasons = new Map<string, ReasonText>();
  for (const [code, entry] of Object.entries(value as Record<string, ReasonText>)) {
    if (typeof entry.zh !== "string" || typeof entry.en !== "string") throw invalid(`reason ${code} lacks a language`);
    reasons.set(code, { zh: entry.zh, en: entry.en });
  }
  return reasons;
}

function parseProfiles(texts: ReadonlyMap<string, string>): Map<string, EgressProfile> {
  const profiles = new Map<string, EgressProfile>();
  for (const [name, text] of texts) {
    if (!name.startsWith("profiles/")) continue;
    const value: unknown = parseYaml(text);
    if (!Value.Check(EgressProfile, value)) {
      const [first] = Value.Errors(EgressProfile, value);
      throw invalid(`${name}: ${first?.instancePath ?? ""} ${first?.message ?? "is not a profile"}`);
    }
    if (name !== `profiles/${value.id}.yaml`) throw invalid(`${name}: the file is not named after its profile`);
    profiles.set(value.id, value);
  }
  if (profiles.size === 0) throw invalid("the policy directory holds no profile");
  return profiles;
}

function parseThresholds(text: string): SecurityThresholds {
  const value: unknown = parseYaml(text);
  if (Value.Check(SecurityThresholds, value)) return value;
  const [first] = Value.Errors(SecurityThresholds, value);
  throw invalid(`security.yaml: ${first?.instancePath ?? ""} ${first?.message ?? "is not valid"}`);
}

function invalid(message: string): AppError {
  return new AppError("configuration_invalid", `policies: ${message}`);
}
