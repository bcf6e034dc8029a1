import type { Explanation } from "#policy/index.ts";
import type { Language } from "../language.ts";
import { printable } from "./printable.ts";
import { formatTable } from "./table.ts";

const WORDS = {
  en: {
    verdict: "verdict",
    bundle: "policies",
    because: "because",
    applied: "policies that held",
    rules: "rules",
    profile: "profile",
    basis: "basis",
    field: "number",
    value: "value",
    error: "could not be evaluated",
  },
  zh: {
    verdict: "结论",
    bundle: "策略包",
    because: "理由",
    applied: "适用的策略",
    rules: "规则",
    profile: "规则档",
    basis: "依据",
    field: "参数",
    value: "取值",
    error: "无法评估",
  },
} as const;

/** Why something may leave or not, for people. */
export function formatExplanation(explanation: Explanation, language: Language): string {
  const words = WORDS[language];
  const { verdict, bundle, reasons, errors, applied, rules, profile } = explanation;
  const lines = [`${words.verdict}: ${verdict}`, `${words.bundle}: ${bundle}`, `${words.because}:`];
  for (const { policy, code, message, basis } of reasons) {
    lines.push(`  ${printable(message[language])} [${code}, ${policy}]`, `    ${words.basis}: ${printable(basis)}`);
  }
  for (const error of errors) lines.push(`  ${words.error}: ${printable(error)}`);
  if (applied.length > 0) lines.push(`${words.applied}:`);
  for (const { id, action, effect, file, line } of applied)
    lines.push(`  ${action}: ${effect} ${id} (${file}:${line})`);
  if (rules.length > 0) lines.push(`${words.rules}:`);
  for (const { rule, effect, ...text } of rules) lines.push(`  ${rule} ${effect}: ${text[language]}`);
  if (profile) lines.push(`${words.profile}: ${profile.id}`, numbersTable(profile.numbers, words));
  return lines.join("\n");
}

function numbersTable(
  numbers: NonNullable<Explanation["profile"]>["numbers"],
  words: (typeof WORDS)[Language],
): string {
  const columns = [{ title: words.field }, { title: words.value, right: true }, { title: words.basis }];
  return formatTable(
    columns,
    numbers.map(({ path, value, basis }) => [path, value, basis]),
  );
}
