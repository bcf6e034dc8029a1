import { readFileSync } from "node:fs";
import t from "tap";
import { DEFAULT_ISOLATE_LIMITS, JIT_ISOLATE_LIMITS } from "../../src/contract/isolate.ts";
import { type Answer, makeProgram, startIsolate, table } from "./supervisor.ts";

const TEXT = readFileSync(new URL("../../docs/javascript-jobs.md", import.meta.url), "utf8");
const program = makeProgram();
const isolate = await startIsolate(program.entry);
t.teardown(async () => {
  await isolate[Symbol.asyncDispose]();
  program.remove();
});

function answer(sql: string): Answer {
  if (/select \*/.test(sql)) return { code: "plan_refused", message: "rows never leave" };
  if (/group by/.test(sql))
    return table({ district: "VARCHAR", n: "BIGINT" }, [
      ["Lucheng", "120"],
      ["Ouhai", "75"],
    ]);
  return table({ n: "BIGINT" }, [["7"]]);
}

t.test("every example of the developers' page runs and makes an output", async (t) => {
  const examples = [...TEXT.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code ?? "");
  t.ok(examples.length >= 12);
  for (const example of examples) {
    const { done, outputs } = await isolate.run(example, { answer });
    t.equal(done?.ok, true, `${done?.message ?? ""} ${example.split("\n")[0]}`);
    t.ok(outputs.length > 0);
  }
});

t.test("the limits on the page are the default limits", async (t) => {
  const limits = DEFAULT_ISOLATE_LIMITS;
  const shown = [
    `| memory | ${limits.memoryMb} MB |`,
    `same limits but for ${JIT_ISOLATE_LIMITS.memoryMb} MB of memory`,
    `| ${limits.queries.toLocaleString("en")}, ${limits.queriesInFlight} |`,
    `| ${limits.sqlCharacters.toLocaleString("en")} characters |`,
    `| ${limits.outputs}, ${limits.outputBytes / 1024 / 1024} MiB |`,
    `| ${limits.logLines.toLocaleString("en")}, ${limits.logLineBytes.toLocaleString("en")} |`,
  ];
  t.same({ ...JIT_ISOLATE_LIMITS, memoryMb: limits.memoryMb }, limits);
  for (const line of shown) t.ok(TEXT.includes(line), line);
});
