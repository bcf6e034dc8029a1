/** Everything that a developer can be told: a closed list, in two languages, without a count, threshold or value. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { FINDING_FAMILIES } from "#contract/egress.ts";
import { REASON_CODES } from "#contract/job.ts";
import { RULES } from "#contract/rules.ts";
import { CODES_ZH, TEXTS_ZH } from "#contract/texts-zh.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { ONE_SUBJECT_AGGREGATES } from "../../src/engine/gate/functions.ts";
import { GateRefusal, REFUSALS, refusalFinding, type RefusalCode } from "../../src/engine/gate/refusal.ts";

const CHINESE = /\p{Script=Han}/u;

function sourcesIn(folder: string): { name: string; text: string }[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
}

interface Said {
  rule: string;
  family: string;
  codes: string[];
  messages: string[];
  effects: string[];
}

/** What the rules say, from their source: one rule a file, so that none can be forgotten here. */
function rulesSay(): Said[] {
  const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found]) => found!);
  return sourcesIn("src/engine/rules").flatMap(({ text }) => {
    const codes = all(text, /\bcode: "([a-z_]+)"/g);
    if (codes.length === 0) return [];
    const effects = ["suppress", "block", "review", "transform"].filter((effect) =>
      new RegExp(`\\b${effect}(: |,| \\}|\\n)`).test(text.replaceAll(/\/\*\*[^]*?\*\//g, "")),
    );
    const [rule = ""] = all(text, /\brule: "(R[0-9]+)"/g);
    const [family = ""] = all(text, /\bfamily: "([a-z]+)"/g);
    return [{ rule, family, codes, messages: all(text, /\bmessage(?:: | =)\s*"([^"]+)"/g), effects }];
  });
}

const said = rulesSay();

t.test("every rule has a family of the list, a rule of the list, and one text a code", async (t) => {
  t.ok(said.length >= 10, "there are rules to look at");
  for (const { rule, family, codes, messages, effects } of said) {
    t.ok(RULES[rule], `${rule} is a rule`);
    t.ok((FINDING_FAMILIES as readonly string[]).includes(family), `${rule}: ${family}`);
    t.equal(messages.length, codes.length, `${rule}: ${codes.join()}`);
    const may: readonly string[] = RULES[rule]?.effects ?? [];
    t.same(
      effects.filter((effect) => !may.includes(effect)),
      [],
      `${rule} does what it may`,
    );
  }
  const codes = said.flatMap((one) => one.codes);
  t.equal(new Set(codes).size, codes.length, "codes are not shared");
});

t.test("no rule tells a count, a threshold or a condition, in either language", async (t) => {
  for (const message of said.flatMap((one) => one.messages)) {
    const zh = TEXTS_ZH[message];
    t.match(zh, CHINESE, message);
    t.notMatch(message, /[0-9%]|k-?anonym|threshold of/i);
    t.notMatch(zh, /[0-9%]/);
  }
});

t.test("every refusal, with every text that it can carry, is there in Chinese", async (t) => {
  for (const code of Object.keys(REFUSALS) as RefusalCode[]) {
    const finding = refusalFinding(new GateRefusal(code), undefined);
    t.match(finding, { rule: /^G[12]$/, effect: "refuse", code });
    t.ok((FINDING_FAMILIES as readonly string[]).includes(finding.family));
    t.match(TEXTS_ZH[finding.message], CHINESE, finding.message);
    t.match(TEXTS_ZH[finding.suggestion!], CHINESE, code);
  }
  const own = sourcesIn("src/engine/gate").flatMap(({ text }) =>
    [...text.matchAll(/suggestion: "([^"]+)"|return "([A-Z][a-z][^"]+ [^"]+)"/g)].map(([, a, b]) => (a ?? b)!),
  );
  t.ok(own.length >= 5);
  for (const text of [...own, ...Object.values(ONE_SUBJECT_AGGREGATES)]) t.match(TEXTS_ZH[text], CHINESE, text);
  for (const code of Object.keys(CODES_ZH)) t.ok(Object.hasOwn(REFUSALS, code), code);
});

t.test("so is every reason of a policy and of a failed job", async (t) => {
  for (const [code, { zh, en }] of loadPolicyBundle("policies").reasons) {
    t.match(zh, CHINESE, code);
    t.notMatch(en, CHINESE, code);
  }
  for (const [code, text] of Object.entries(REASON_CODES)) t.match(TEXTS_ZH[text], CHINESE, code);
  for (const [rule, { zh, en }] of Object.entries(RULES)) t.ok(CHINESE.test(zh) && !CHINESE.test(en), rule);
});

t.test("no translation is left of a text that nobody says any more", async (t) => {
  const sources = [
    ...sourcesIn("src/engine"),
    ...sourcesIn("src/contract").filter(({ name }) => name !== "texts-zh.ts"),
  ];
  const all = sources.map(({ text }) => text).join("\n");
  for (const text of Object.keys(TEXTS_ZH)) t.ok(all.includes(text), text);
});
