import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { type Digest, sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";

/** Texts by their path in the policy directory. */
export type Texts = ReadonlyMap<string, string>;

export interface PolicyDirectory {
  /** The texts that decide; their digest names the bundle. */
  files: Texts;
  /** What the bundle is tested with. */
  cases: Texts;
  /** Files that look like policies and are none: nobody should believe that they are in force. */
  strays: string[];
}

const DECIDES = /^([a-z0-9_-]+\.cedar|egress\.cedarschema|reasons\.yaml|security\.yaml|profiles\/[a-z0-9_-]+\.yaml)$/;
const CASE = /^cases\/[a-z0-9_-]+\.yaml$/;

export function readPolicyDirectory(directory: string): PolicyDirectory {
  const names = listed(directory).toSorted();
  const textsOf = (chosen: readonly string[]): Texts =>
    new Map(chosen.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
  return {
    files: textsOf(names.filter((name) => DECIDES.test(name))),
    cases: textsOf(names.filter((name) => CASE.test(name))),
    strays: names.filter((name) => !DECIDES.test(name) && !CASE.test(name)),
  };
}

function listed(directory: string): string[] {
  try {
    const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
    return names.filter((name) => /\.(cedar|cedarschema|ya?ml)$/.test(name));
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "unreadable";
    throw new AppError("configuration_invalid", `policies: ${directory}: ${reason}`, { cause });
  }
}

/** The name of a bundle: equal texts have equal names, wherever and whenever they are read. */
export function digestOf(files: Texts): Digest {
  const digests = [...files].map(([name, text]): [string, string] => [name, sha256(text)]);
  return sha256(canonicalJson(Object.fromEntries(digests)));
}
