import { readFileSync } from "node:fs";
import t from "tap";
import { ALARM_RULES, SECURITY_EVENT_DETAILS, SECURITY_EVENT_KINDS } from "#contract/security.ts";
import { RULES } from "../../src/security/alarm-rules.ts";

const text = readFileSync("docs/security-log.md", "utf8");

t.test("every kind of event and every alarm rule is documented as it is", async (t) => {
  const rows = text.split("\n").filter((line) => /^\| `[a-z]+\.[a-z_]+` \|/.test(line));
  const kinds = Object.entries(SECURITY_EVENT_KINDS);
  t.strictSame(
    rows,
    kinds.map(([kind, { severity, title }]) => `| \`${kind}\` | ${severity} | ${title} |`),
  );
  for (const rule of Object.keys(ALARM_RULES)) t.match(text, `| \`${rule}\` `, rule);
});

t.test("kinds are a noun and what became of it, their details are closed, every alarm has its rule", async (t) => {
  for (const [kind, details] of Object.entries(SECURITY_EVENT_DETAILS)) {
    t.match(kind, /^[a-z]+\.[a-z_]+$/);
    t.equal((details as { additionalProperties?: boolean }).additionalProperties, false, kind);
  }
  t.strictSame(RULES.map(({ rule }) => rule).toSorted(), Object.keys(ALARM_RULES).toSorted());
});
