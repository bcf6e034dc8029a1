import { readFileSync } from "node:fs";
import t from "tap";
import { checkImports, type Violation } from "./architecture/imports.ts";
import { MAX_EXPORTS, MAX_LINES, MAY_IMPORT, WORKPLACE } from "./architecture/rules.ts";
import { checkFolders, checkShape, checkWorkplace, findCrowdedIndexes } from "./architecture/shape.ts";
import { parseSource } from "./architecture/source.ts";
import { listTexts, readSources } from "./architecture/tree.ts";

t.test("the tree keeps the architecture", async (t) => {
  const files = readSources();
  t.ok(files.length > 10, "the tree was found");
  for (const file of findCrowdedIndexes(files)) t.comment(file);
  t.same(lines(checkImports(files)), [], "imports follow the table");
  t.same(lines(checkFolders(files)), [], "folders are known and have an index");
  t.same(lines(checkShape(files)), [], "files keep the house style");
});

t.test("no text of the project knows the place where it is built", async (t) => {
  const texts = listTexts();
  for (const known of ["Makefile", ".ci/run", "package.json", "src/kernel/errors.ts"])
    t.ok(texts.includes(known), known);
  t.same(lines(texts.flatMap((path) => checkWorkplace(path, readFileSync(path, "utf8")))), []);
});

t.test("the import table has no circle", async (t) => {
  for (const [folder, targets] of Object.entries(MAY_IMPORT)) {
    for (const target of targets) {
      t.notOk(MAY_IMPORT[target]?.includes(folder), `${folder} and ${target} do not import each other`);
      t.ok(Object.hasOwn(MAY_IMPORT, target), `${target} is in the table`);
    }
  }
});

t.test("a planted import is found", async (t) => {
  const plants: [rule: string, path: string, text: string][] = [
    ["direction", "src/kernel/ids.ts", `import type { JobState } from "#contract/job.ts";`],
    ["direction", "src/control-plane/app.ts", `import { launch } from "#runner/index.ts";`],
    ["direction", "src/control-plane/app.ts", `export { launch } from "#engine/index.ts";`],
    ["direction", "src/runner/agent.ts", `const db = await import("#persistence/index.ts");`],
    ["direction", "src/engine/session.ts", `type Job = import("#jobs/index.ts").Job;`],
    ["direction", "src/isolate/host.ts", `import { callServer } from "#client/index.ts";`],
    ["direction", "src/console/main.ts", `import { createId } from "#kernel/ids.ts";`],
    ["direction", "src/authority/chain.ts", `import { findProduct } from "#catalogue/index.ts";`],
    ["direction", "src/identity/tokens.ts", `import { findChain } from "#authority/index.ts";`],
    ["direction", "src/cli/main.ts", `import { run } from "#demo/run.ts";`],
    ["direction", "src/jobs/submit.ts", `import { plant } from "../../test/plant.ts";`],
    ["deep", "src/jobs/submit.ts", `import { append } from "#audit/chain.ts";`],
    ["deep", "src/engine/session.ts", `import { pad } from "./arrow/layout.ts";`],
    ["deep", "src/engine/ingest/csv.ts", `import { pad } from "../arrow/layout.ts";`],
    ["path", "src/jobs/submit.ts", `import { record } from "../audit/index.ts";`],
    ["path", "src/jobs/submit.ts", `import { claim } from "#jobs/lease.ts";`],
    ["package", "src/jobs/submit.ts", `import fastify from "fastify";`],
    ["package", "src/runner/agent.ts", `import { Kysely } from "kysely";`],
    ["package", "src/control-plane/app.ts", `import { DuckDBInstance } from "@duckdb/node-api";`],
    ["package", "src/engine/session.ts", `import policy from "@cedar-policy/cedar-wasm/nodejs";`],
  ];
  const arrowIndex = parseSource("src/engine/arrow/index.ts", `export { pad } from "./layout.ts";`);
  for (const [rule, path, text] of plants) {
    const found = checkImports([parseSource(path, text), arrowIndex]);
    t.ok(
      found.some((violation) => violation.rule === rule && violation.file === path),
      `${rule}: ${text}`,
    );
  }
});

t.test("a cycle is found, one of types is let through", async (t) => {
  const files = [
    parseSource("src/jobs/a.ts", `import { b } from "./b.ts";`),
    parseSource("src/jobs/b.ts", `import { c } from "./c.ts";`),
    parseSource("src/jobs/c.ts", `export { a } from "./a.ts";`),
  ];
  t.match(checkImports(files), [
    { rule: "cycle", message: "src/jobs/a.ts → src/jobs/b.ts → src/jobs/c.ts → src/jobs/a.ts" },
  ]);
  const types = parseSource("src/jobs/c.ts", `import type { A } from "./a.ts";`);
  t.same(checkImports([...files.slice(0, 2), types]), []);
});

t.test("what the style forbids in a file is found", async (t) => {
  const plants: [rule: string, path: string, text: string][] = [
    ["syntax", "src/jobs/a.ts", `export default function a() {}`],
    ["syntax", "src/jobs/a.ts", `export const a = (value: any) => value;`],
    ["syntax", "src/jobs/a.ts", `export enum State { Queued }`],
    ["syntax", "src/jobs/a.ts", `namespace Jobs { export const a = 1; }`],
    ["syntax", "src/jobs/a.ts", `class A { constructor(private readonly name: string) {} }`],
    ["syntax", "src/jobs/a.ts", `import fs = require("node:fs");`],
    ["process", "src/jobs/a.ts", `const home = process.env.HOME;`],
    ["process", "src/jobs/a.ts", `const first = process["argv"][2];`],
    ["process", "src/jobs/a.ts", `import { env } from "node:process";`],
    ["process", "src/jobs/a.ts", `const { env } = process;`],
    ["process", "src/cli/main.ts", `process.on("SIGTERM", stop);`],
    ["lines", "src/jobs/a.ts", "const a = 1;\n".repeat(MAX_LINES + 1)],
    ["name", "src/jobs/job-utils.ts", ""],
    ["name", "src/common/a.ts", ""],
    ["name", "src/jobs/queue.service.ts", ""],
    ["name", "test/helpers/a.ts", ""],
  ];
  for (const [rule, path, text] of plants) {
    t.match(checkShape([parseSource(path, text)]), [{ rule, file: path }], `${rule}: ${path} ${text.slice(0, 60)}`);
  }
});

t.test("what is like a violation but is none is let through", async (t) => {
  const innocent: [path: string, text: string][] = [
    ["src/jobs/a.ts", `// process.env and any, enum\nconst text = "import x from '#runner/index.ts'; process.argv";`],
    ["src/jobs/a.ts", `declare module "fastify" { interface A { b: string } }\ndeclare global { var a: number }`],
    ["src/jobs/a.ts", `import { claim } from "./lease.ts";\nimport { record } from "#audit/index.ts";`],
    ["src/jobs/database.ts", `const anything = process.memoryUsage();`],
    ["src/bin/sluice.ts", `process.on("SIGTERM", () => process.env);`],
    ["src/control-plane/app.ts", `import { jobRoutes } from "./routes/jobs.ts";`],
    ["src/contract/common.ts", ""],
  ];
  for (const [path, text] of innocent) {
    const files = [parseSource(path, text), parseSource("src/control-plane/routes/index.ts", "")];
    t.same([...checkImports(files), ...checkShape(files)], [], path);
  }
});

t.test("a folder that nobody knows, without an index, or with a crowded one is found", async (t) => {
  t.match(checkFolders([parseSource("src/unheard/index.ts", "")]), [{ rule: "folder" }]);
  t.match(checkFolders([parseSource("src/jobs/lease.ts", "")]), [{ rule: "index", file: "src/jobs/index.ts" }]);
  t.match(checkFolders([parseSource("src/jobs/index.ts", `export * from "./lease.ts";`)]), [{ rule: "index" }]);
  const crowded = parseSource("src/jobs/index.ts", exportsOf(MAX_EXPORTS + 1));
  t.match(checkFolders([crowded]), [{ rule: "index" }]);
  const full = parseSource("src/jobs/index.ts", `${exportsOf(MAX_EXPORTS)}\nexport type { Job } from "./job.ts";`);
  t.same(checkFolders([full]), []);
  t.equal(findCrowdedIndexes([full]).length, 1);
});

t.test("a text that names the workplace is found", async (t) => {
  for (const word of WORKPLACE.never) {
    t.match(checkWorkplace("test/a.test.ts", `one\nsee ${word} there`), [{ rule: "workplace", line: 2 }]);
  }
  t.match(checkWorkplace("docs/tour.md", `see ${WORKPLACE.outside}/data`), [{ rule: "workplace" }]);
  t.same(checkWorkplace("test/a.test.ts", `read ${WORKPLACE.outside}/data`), []);
});

function exportsOf(count: number): string {
  return Array.from({ length: count }, (_, index) => `export const name${index} = ${index};`).join("\n");
}

function lines(violations: readonly Violation[]): string[] {
  return violations.map(({ rule, file, line, message }) => `${file}:${line} ${rule}: ${message}`);
}
