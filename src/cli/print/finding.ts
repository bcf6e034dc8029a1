import type { Finding } from "#contract/egress.ts";
import type { Language } from "../language.ts";
import { printable } from "./printable.ts";
import { displayWidth } from "./width.ts";

const WORDS = {
  en: {
    refuse: "refused",
    block: "blocked",
    review: "review",
    suppress: "suppressed",
    transform: "changed",
    note: "note",
    at: "at",
    try: "try",
  },
  zh: {
    refuse: "拒绝",
    block: "阻断",
    review: "待审",
    suppress: "抑制",
    transform: "变换",
    note: "提示",
    at: "位置",
    try: "建议",
  },
} as const satisfies Record<Language, Record<Finding["effect"] | "at" | "try", string>>;

/** Findings for people: the reason, the place in the SQL with a mark under it, and the nearest accepted form. */
export function formatFindings(findings: readonly Finding[], sql?: string, language: Language = "en"): string {
  return findings.map((finding) => formatFinding(finding, sql, WORDS[language])).join("\n");
}

function formatFinding(finding: Finding, sql: string | undefined, words: (typeof WORDS)[Language]): string {
  const about = finding.subject === undefined ? "" : ` (${printable(finding.subject)})`;
  const lines = [`${words[finding.effect]} ${finding.rule} ${finding.code}${about}: ${printable(finding.message)}`];
  if (sql !== undefined && finding.position !== undefined) {
    lines.push(...markedLine(sql, finding.position, finding.construct));
  } else if (finding.construct !== undefined) {
    lines.push(`  ${words.at}: ${printable(finding.construct)}`);
  }
  if (finding.suggestion !== undefined) lines.push(`  ${words.try}: ${printable(finding.suggestion)}`);
  return lines.join("\n");
}

/** The line of the SQL with its number, and carets under the construct as far as it reaches on that line. */
function markedLine(sql: string, position: number, construct: string | undefined): string[] {
  if (position > sql.length) return [];
  const start = position === 0 ? 0 : sql.lastIndexOf("\n", position - 1) + 1;
  const end = sql.indexOf("\n", position);
  const line = sql.slice(start, end === -1 ? sql.length : end).trimEnd();
  const number = String(sql.slice(0, start).split("\n").length);
  const column = position - start;
  const before = shown(line.slice(0, column));
  const marked = shown(line.slice(column, column + markLength(line.slice(column), construct)));
  const gutter = " ".repeat(number.length);
  return [
    `  ${number} │ ${shown(line)}`,
    `  ${gutter} │ ${" ".repeat(displayWidth(before))}${"^".repeat(Math.max(1, displayWidth(marked)))}`,
  ];
}

function markLength(rest: string, construct: string | undefined): number {
  const firstLine = construct?.split("\n", 1)[0] ?? "";
  if (firstLine !== "" && rest.toLowerCase().startsWith(firstLine.toLowerCase())) return firstLine.length;
  const word = /^[\w.]+/.exec(rest)?.[0].length ?? 1;
  return rest[word] === "(" ? callLength(rest, word) : word;
}

/** A call reaches to its closing bracket, if that is on the same line. */
function callLength(rest: string, open: number): number {
  let depth = 0;
  for (let at = open; at < rest.length; at++) {
    if (rest[at] === "(") depth += 1;
    else if (rest[at] === ")" && --depth === 0) return at + 1;
  }
  return open;
}

/** A tab is one column wide here, so that the mark stands under its character. */
function shown(text: string): string {
  return printable(text.replaceAll("\t", " "));
}
