import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import t from "tap";

/** Codes of what the project's own configuration finds in a project of these files. */
function lint(files: Record<string, string>): string[] {
  const directory = mkdtempSync(join(tmpdir(), "sluice-lint-"));
  try {
    for (const name of [".oxlintrc.json", "tsconfig.json", "package.json"]) cpSync(name, join(directory, name));
    symlinkSync(resolve("node_modules"), join(directory, "node_modules"));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(directory, dirname(path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    // tap puts its loaders into NODE_OPTIONS of every child, and the linter does not start under them
    const command = [
      "-u",
      "NODE_OPTIONS",
      process.execPath,
      resolve("node_modules/oxlint/bin/oxlint"),
      "--format=json",
    ];
    const { stdout, stderr } = spawnSync("env", command, { cwd: directory, encoding: "utf8" });
    if (stdout === "") throw new Error(`oxlint said nothing: ${stderr}`);
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string }[] };
    return diagnostics.map(({ code }) => code);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const wait = "export async function wait(): Promise<number> {\n  return await Promise.resolve(1);\n}\n";

t.test("the linter finds what it is there for, with types", async (t) => {
  const plants: [code: string, text: string][] = [
    ["typescript(no-floating-promises)", `${wait}wait();\n`],
    ["typescript(no-floating-promises)", `${wait}void wait();\n`],
    ["typescript(no-misused-promises)", `${wait}export const a = [1].filter(wait);\n`],
    ["typescript(await-thenable)", "export const a = await 1;\n"],
    ["typescript(no-explicit-any)", "export const a = (value: any) => typeof value;\n"],
    ["typescript(no-unsafe-member-access)", `export const a: unknown = JSON.parse("{}").b;\n`],
    ["typescript(consistent-type-imports)", `import { Stats } from "node:fs";\nexport type A = Stats;\n`],
    ["import(no-default-export)", "export default 1;\n"],
    ["eslint(max-params)", "export const a = (b: 1, c: 1, d: 1, e: 1) => [b, c, d, e];\n"],
    ["eslint(max-lines-per-function)", `export function a(): void {\n${"  a();\n".repeat(41)}}\n`],
    ["eslint(max-lines)", "export {};\n".repeat(301)],
    ["eslint(no-console)", `console.log("a");\n`],
  ];
  const files = Object.fromEntries(plants.map(([, text], index) => [`src/jobs/plant${index}.ts`, text]));
  const found = new Set(lint(files));
  for (const [code] of plants) t.ok(found.has(code), code);
});

t.test("tests and commands may do what the rest may not", async (t) => {
  const subtest = `import t from "tap";\nt.test("a", async (t) => {\n  t.ok(true);\n});\n`;
  t.same(lint({ "test/a.test.ts": subtest, "src/cli/a.ts": `console.log("a");\n`, "src/jobs/a.ts": wait }), []);
});
