import type { Finding } from "#contract/egress.ts";
import { CODES_ZH, TEXTS_ZH } from "#contract/texts-zh.ts";
import type { PolicyBundle } from "#policy/index.ts";

export type Language = "zh" | "en";

/** The language of an Accept-Language header (RFC 9110 §12.5.4): Chinese or English, English when neither is named. */
export function acceptedLanguage(header: string | undefined): Language {
  let best: { language: Language; quality: number } | undefined;
  for (const range of (header ?? "").split(",")) {
    const [tag = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const given = parameters.find((parameter) => parameter.startsWith("q="));
    const quality = given === undefined ? 1 : Number(given.slice(2)) || 0;
    const language = /^zh\b/.test(tag) ? "zh" : /^en\b/.test(tag) ? "en" : undefined;
    if (language && quality > (best?.quality ?? 0)) best = { language, quality };
  }
  return best?.language ?? "en";
}

type Reasons = Pick<PolicyBundle, "reasons">["reasons"];

/** What is kept in English, said in Chinese: the texts of findings, notes and failed jobs, and nothing else. */
export function inChinese<T>(payload: T, reasons: Reasons): T {
  return translate(payload, reasons) as T;
}

function translate(value: unknown, reasons: Reasons): unknown {
  if (Array.isArray(value)) return value.map((item) => translate(item, reasons));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const translated = Object.entries(value).map(([name, member]: [string, unknown]): [string, unknown] => {
    if (name === "findings" && Array.isArray(member))
      return [name, member.map((one: Finding) => finding(one, reasons))];
    if (name === "reason" && typeof member === "string" && "reasonCode" in value) return [name, reasonText(member)];
    return DEEP.has(name) ? [name, translate(member, reasons)] : [name, member];
  });
  return Object.fromEntries(translated);
}

/** Where findings stand: lists, a job's egress. Evidence, facts and content are left as they are. */
const DEEP: ReadonlySet<string> = new Set(["items", "egress"]);

function finding(one: Finding, reasons: Reasons): Finding {
  const { code, message, suggestion } = one;
  const said = TEXTS_ZH[message] ?? reasons.get(code)?.zh ?? before(code, message);
  const hint = suggestion === undefined ? {} : { suggestion: TEXTS_ZH[suggestion] ?? before(code, suggestion) };
  return { ...one, message: said, ...hint };
}

function before(code: string, text: string): string {
  const known = CODES_ZH[code];
  return known === undefined ? text : `${known}（${text}）`;
}

/** The closed text, and after it what the script itself said. */
function reasonText(text: string): string {
  const end = text.indexOf(": ");
  const [closed, own] = end < 0 ? [text, ""] : [text.slice(0, end), `：${text.slice(end + 2)}`];
  return `${TEXTS_ZH[closed] ?? closed}${own}`;
}

/** Notes that go with a released table. */
export function notesIn<T extends { message: string }>(language: Language, notes: readonly T[]): T[] {
  return notes.map((note) => (language === "zh" ? { ...note, message: TEXTS_ZH[note.message] ?? note.message } : note));
}
