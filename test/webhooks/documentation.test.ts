import { readFileSync } from "node:fs";
import t from "tap";
import { WEBHOOK_EVENT_NAMES, WEBHOOK_EVENTS } from "#contract/webhook.ts";

t.test("every event is documented, and no other", async (t) => {
  const text = readFileSync("docs/operations.md", "utf8");
  const documented = [...text.matchAll(/^\| `([a-z]+\.[a-z]+)` \| [^|]+ \| [^|]*`[a-z]+ /gm)].map(([, name]) => name);
  const missing = WEBHOOK_EVENT_NAMES.filter((name) => !text.includes(`| \`${name}\` |`));
  t.strictSame(missing, []);
  const known: readonly (string | undefined)[] = WEBHOOK_EVENT_NAMES;
  t.strictSame(
    documented.filter((name) => !known.includes(name)),
    [],
  );
});

t.test("an action means one event", async (t) => {
  const actions = Object.values(WEBHOOK_EVENTS).flat();
  t.equal(new Set(actions).size, actions.length);
});
