import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import { REFUSALS } from "#engine/gate/index.ts";

const PATH = fileURLToPath(new URL("../../docs/egress-rules.md", import.meta.url));
const [BEGIN, END] = ["<!-- refusals:begin -->", "<!-- refusals:end -->"];

/** `SLUICE_DOCS=write` writes the table anew. */
t.test("the documentation lists every refusal with what is said and suggested", async (t) => {
  const rows = Object.entries(REFUSALS).map(
    ([code, [, message, suggestion]]) => `| \`${code}\` | ${message} | ${suggestion} |`,
  );
  const text = readFileSync(PATH, "utf8");
  const table = `${BEGIN}\n| code | said | try |\n|---|---|---|\n${rows.join("\n")}\n${END}`;
  const wanted = `${text.slice(0, text.indexOf(BEGIN))}${table}${text.slice(text.indexOf(END) + END.length)}`;
  if (process.env["SLUICE_DOCS"] === "write") writeFileSync(PATH, wanted);
  t.equal(readFileSync(PATH, "utf8"), wanted);
});
