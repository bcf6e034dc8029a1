import { RULES } from "#contract/rules.ts";
import { readCases, rulesIn, type EffectField, type PolicyCase } from "./cases.ts";
import { answerEgress, type DecidingBundle, type EgressAnswers } from "./decide.ts";
import { readPolicyDirectory } from "./files.ts";
import { checkPolicyDirectory, type PolicyBundle, withoutPolicy } from "./load.ts";
import type { PolicyProblem } from "./problem.ts";

export interface CaseFailure {
  name: string;
  file: string;
  line: number;
  expected: { verdict: string; reasons: string[] };
  got: { verdict: string; reasons: string[]; policies: string[] };
}

export interface PolicyTestReport {
  digest: string;
  problems: PolicyProblem[];
  cases: number;
  failures: CaseFailure[];
  /** Policies on which no case is decided. */
  undecided: string[];
  /** Policies that could be removed without a case failing. */
  unnoticed: string[];
  /** Rules and effects that no case has, e.g. `R19 blockedBy`. */
  uncovered: string[];
}

/** Whether nothing is wrong at all. */
export function isPassed({ problems, failures, undecided, unnoticed, uncovered }: PolicyTestReport): boolean {
  return [problems, failures, undecided, unnoticed, uncovered].every((list) => list.length === 0);
}

/** Runs the case files beside the policies, and asks whether they would notice a policy that is gone. */
export function testPolicies(directory: string): PolicyTestReport {
  const { bundle, digest, problems } = checkPolicyDirectory(directory);
  const { cases, problems: ofCases } = readCases(readPolicyDirectory(directory).cases);
  const none: PolicyProblem[] =
    cases.length === 0 && ofCases.length === 0
      ? [{ file: "cases", code: "file_missing", message: "there is no case: cases/*.yaml" }]
      : [];
  const report = { digest, problems: [...problems, ...ofCases, ...none], cases: cases.length };
  if (!bundle || report.problems.length > 0) {
    return { ...report, failures: [], undecided: [], unnoticed: [], uncovered: [] };
  }
  const ran = cases.map((one) => ({ one, answers: answerOf(bundle, one) }));
  const failures = ran.flatMap(({ one, answers }) => failureOf(one, answers));
  const decided = new Set(ran.flatMap(({ answers }) => decidersOf(answers)));
  return {
    ...report,
    failures,
    undecided: [...bundle.policies.keys()].filter((id) => !decided.has(id)),
    unnoticed: failures.length > 0 ? [] : findUnnoticed(bundle, cases),
    uncovered: findUncovered(cases),
  };
}

function answerOf(bundle: DecidingBundle, { facts, authority }: PolicyCase): EgressAnswers {
  return answerEgress(bundle, { request: "egr_case", facts, authority });
}

function failureOf(one: PolicyCase, answers: EgressAnswers): CaseFailure[] {
  const { decision } = answers;
  const reasons = decision.reasons.map(({ code }) => code).toSorted();
  const expected = { verdict: one.expect.verdict, reasons: one.expect.reasons.toSorted() };
  if (decision.verdict === expected.verdict && reasons.join() === expected.reasons.join()) return [];
  const { name, file, line } = one;
  return [{ name, file, line, expected, got: { verdict: decision.verdict, reasons, policies: decidersOf(answers) } }];
}

function decidersOf({ release, autoRelease }: EgressAnswers): string[] {
  return [...release.policies, ...(autoRelease?.policies ?? [])];
}

/** Mutation: a policy whose removal changes no case is not tested. */
function findUnnoticed(bundle: PolicyBundle, cases: readonly PolicyCase[]): string[] {
  return [...bundle.policies.keys()].filter((id) => {
    const mutant = withoutPolicy(bundle, id);
    return cases.every((one) => failureOf(one, answerOf(mutant, one)).length === 0);
  });
}

const FIELD_OF = {
  block: "blockedBy",
  review: "reviewBy",
  suppress: "suppressedBy",
  transform: "transformedBy",
} as const satisfies Record<string, EffectField>;

function findUncovered(cases: readonly PolicyCase[]): string[] {
  const seen = new Set(cases.flatMap(({ facts }) => rulesIn(facts).map(({ field, rule }) => `${rule} ${field}`)));
  const all = Object.entries(RULES).flatMap(([rule, { effects }]) =>
    effects.map((effect) => `${rule} ${FIELD_OF[effect as keyof typeof FIELD_OF]}`),
  );
  return all.filter((pair) => !seen.has(pair));
}
