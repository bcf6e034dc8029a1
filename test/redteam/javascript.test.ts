import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { OTHER_OUTCOMES, OUR_OUTCOMES } from "./expectations.ts";
import { expectHeld, type Payload, startArena } from "./harness.ts";

const OURS = fileURLToPath(new URL("payloads", import.meta.url));
const OTHERS = fileURLToPath(new URL("../../../shared/redteam/js", import.meta.url));
const WALL_SECONDS = 2;

t.setTimeout(290_000);
const arena = await startArena(t, { wallSeconds: WALL_SECONDS });

function ours(): Payload[] {
  return namesIn(OURS).map((name) => ({
    name,
    scenario: name.startsWith("leak-") ? "row-study" : "clinic-access",
    image: "javascript@1",
    script: readFileSync(join(OURS, `${name}.js`), "utf8"),
    outcomes: OUR_OUTCOMES[name] ?? [],
  }));
}

/** They ask with `query`, write with `log`, and their last expression is the result; columns have other names. */
const PRELUDE = `const query = (text) => sql(String(text).replaceAll("salary", "income").replaceAll("dept", "district"));
  const log = console.log; const emit = (value) => output.json("v", value);\n`;

function others(): Payload[] {
  return namesIn(OTHERS).map((name) => ({
    name,
    scenario: name.startsWith("X") ? "row-study" : "clinic-access",
    image: "javascript@1",
    script: `${PRELUDE}emit((await eval(${JSON.stringify(readFileSync(join(OTHERS, `${name}.js`), "utf8"))})) ?? null)`,
    outcomes: OTHER_OUTCOMES[name.slice(0, 3)] ?? OTHER_OUTCOMES[name[0] ?? ""] ?? [],
  }));
}

function namesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".js"))
    .map((name) => name.slice(0, -".js".length));
}

t.test("our payloads are refused, end with a code or stay confined", async (t) => {
  const payloads = ours();
  t.same(payloads.map(({ name }) => name).toSorted(), Object.keys(OUR_OUTCOMES).toSorted(), "each has an expectation");
  await expectHeld(t, arena, payloads);
});

t.test(
  "so are the payloads from outside",
  { skip: existsSync(OTHERS) ? false : "the payloads are not on this machine" },
  async (t) => {
    await expectHeld(t, arena, others());
  },
);

t.test("no process of the server is left", async (t) => {
  t.same(await arena.close(), []);
});
