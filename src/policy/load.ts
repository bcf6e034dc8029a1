import * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import type { EgressProfile } from "#contract/profile.ts";
import { SecurityThresholds } from "#contract/security.ts";
import {
  contextAttributes,
  type PolicyInfo,
  readPolicies,
  SCHEMA,
  schemaProblems,
  textsOf,
  validatePolicies,
} from "./cedar-file.ts";
import { CONTEXT_ATTRIBUTES, type DecidingBundle } from "./decide.ts";
import { digestOf, readPolicyDirectory, type Texts } from "./files.ts";
import { invalidPolicies, type PolicyProblem } from "./problem.ts";
import { readProfiles } from "./profiles.ts";
import { readReasons, type ReasonText } from "./reasons.ts";
import { safeguardProblems } from "./safeguards.ts";
import { parseYaml, readYaml } from "./yaml-file.ts";

/** Policies, reason texts and profiles as one validated set, named by a digest over all of its files. */
export interface PolicyBundle extends DecidingBundle {
  readonly profiles: ReadonlyMap<string, EgressProfile>;
  /** When repeated events raise an alarm. */
  readonly security: SecurityThresholds;
  /** The texts that it was made of. */
  readonly files: Texts;
}

export interface CheckedPolicies {
  digest: string;
  problems: PolicyProblem[];
  /** Absent when there are problems. */
  bundle?: PolicyBundle;
}

/** Reads a policy directory; anything that is not valid stops the process. All problems are told at once. */
export function loadPolicyBundle(directory: string): PolicyBundle {
  const { bundle, problems } = checkPolicyDirectory(directory);
  if (!bundle) throw invalidPolicies(problems);
  return bundle;
}

/** Everything that is wrong with a policy directory, and the bundle when nothing is. */
export function checkPolicyDirectory(directory: string): CheckedPolicies {
  const { files, strays } = readPolicyDirectory(directory);
  const unknown = strays.map((file): PolicyProblem => ({
    file,
    code: "file_unknown",
    message: "a file of this name is not in force: policies are *.cedar, profiles profiles/*.yaml, cases cases/*.yaml",
  }));
  return checkFiles(files, unknown);
}

function checkFiles(files: Texts, found: readonly PolicyProblem[]): CheckedPolicies {
  const digest = digestOf(files);
  const problems: PolicyProblem[] = [...found];
  const need = (name: string): string => {
    const text = files.get(name);
    if (text === undefined) problems.push({ file: name, code: "file_missing", message: "the file is missing" });
    return text ?? "";
  };
  const schema = need(SCHEMA);
  const { reasons, problems: ofReasons } = readReasons("reasons.yaml", need("reasons.yaml"));
  const { policies, problems: ofPolicies } = readPolicies(files, new Set(reasons.keys()));
  const { profiles, problems: ofProfiles } = readProfiles(files);
  const security = parseYaml(readYaml("security.yaml", need("security.yaml")), SecurityThresholds, "threshold_form");
  problems.push(...ofReasons, ...ofPolicies, ...ofProfiles, ...("problems" in security ? security.problems : []));
  if (policies.size === 0) problems.push({ file: "egress.cedar", code: "file_missing", message: "there is no policy" });
  const ofSchema = schemaProblems(schema);
  problems.push(
    ...(ofSchema.length > 0 ? ofSchema : [...unknownAttributes(schema), ...validatePolicies(schema, policies)]),
  );
  if (problems.length > 0 || "problems" in security) return { digest, problems };
  const deciding = prepare({ digest, schema, policies, reasons });
  const unsafe = safeguardProblems(deciding);
  if (unsafe.length > 0) return { digest, problems: unsafe };
  return { digest, problems: [], bundle: { ...deciding, profiles, security: security.value, files } };
}

/** A policy that asks for what it is never told would deny everything. */
function unknownAttributes(schema: string): PolicyProblem[] {
  const unknown = contextAttributes(schema).filter((name) => !CONTEXT_ATTRIBUTES.includes(name));
  return unknown.map((name) => ({ file: SCHEMA, code: "schema", message: `there is no fact of the name ${name}` }));
}

interface Parsed {
  digest: string;
  schema: string;
  policies: ReadonlyMap<string, PolicyInfo>;
  reasons: ReadonlyMap<string, ReasonText>;
}

function prepare({ digest, schema, policies, reasons }: Parsed): DecidingBundle {
  expectSuccess(cedar.preparseSchema(digest, schema));
  expectSuccess(cedar.preparsePolicySet(digest, { staticPolicies: textsOf(policies) }));
  const attributes = contextAttributes(schema);
  const namesRequests = Object.values(textsOf(policies)).some((text) => NAMED_REQUEST.test(text));
  return { digest, policies, reasons, attributes, namesRequests, schemaName: digest, policySetId: digest };
}

/** `EgressRequest::"…"`, with all that Cedar lets stand between the words. */
const NAMED_REQUEST = /EgressRequest(?:\s|\/\/[^\n]*)*::/;

/** The same bundle without one policy, to see who would notice. */
export function withoutPolicy(bundle: PolicyBundle, id: string): PolicyBundle {
  const policies = new Map([...bundle.policies].filter(([other]) => other !== id));
  const policySetId = `${bundle.digest} without ${id}`;
  expectSuccess(cedar.preparsePolicySet(policySetId, { staticPolicies: textsOf(policies) }));
  return { ...bundle, policies, policySetId };
}

/** A bundle that was kept, to decide by once more: profiles of another age are numbers with their basis. */
export interface StoredBundle extends DecidingBundle {
  readonly profiles: ReadonlyMap<string, unknown>;
}

/**
 * Prepares kept texts for deciding as they once did. What was valid then is not judged by the rules of today; what
 * does not even parse is `configuration_invalid`.
 */
export function openStoredBundle(files: Texts): StoredBundle {
  const digest = digestOf(files);
  const schema = files.get(SCHEMA) ?? "";
  const file = readYaml("reasons.yaml", files.get("reasons.yaml") ?? "");
  const reasons = new Map(Object.entries((file.value ?? {}) as Record<string, ReasonText>));
  const { policies, problems } = readPolicies(files, new Set(reasons.keys()));
  const all = [...schemaProblems(schema), ...file.problems, ...problems];
  if (all.length > 0) throw invalidPolicies(all);
  return { ...prepare({ digest, schema, policies, reasons }), profiles: storedProfiles(files) };
}

function storedProfiles(files: Texts): Map<string, unknown> {
  const names = [...files.keys()].filter((name) => name.startsWith("profiles/"));
  return new Map(
    names.map((name) => [name.slice("profiles/".length, -".yaml".length), readYaml(name, files.get(name) ?? "").value]),
  );
}

function expectSuccess(answer: cedar.CheckParseAnswer): void {
  if (answer.type === "failure") throw new Error(answer.errors.map((error) => error.message).join("; "));
}
