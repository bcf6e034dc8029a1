/**
 * Runs the tests and says what happened in few lines: one a file, the details of what failed, one with the sums.
 * Arguments go to `tap run`. The sums are also written to build/test-results.json, for whoever started this.
 */
import { spawn } from "node:child_process";
import { globSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { collectResults, type Failure, type FileResult, type Totals } from "./results.ts";

const TAP = "node_modules/tap/dist/esm/run.mjs";
const UNINTERESTING = ["args", "at", "command", "cwd", "jobId", "source", "stdio"];
const RESULTS = "build/test-results.json";

async function main(): Promise<void> {
  const collector = collectResults(printFile);
  const child = spawn(process.execPath, [TAP, "run", "--reporter=tap", ...process.argv.slice(2).flatMap(expand)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // whoever stops this stops the tests too; tap then ends their processes
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  child.stdout.on("data", (chunk: Buffer) => collector.write(chunk));
  const status = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const sums = collector.end();
  for (const failure of sums.failures) printFailure(failure);
  if (status !== 0 && sums.failed === 0) sums.failed = 1;
  mkdirSync("build", { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify({ passed: sums.passed, failed: sums.failed, skipped: sums.skipped })}\n`);
  console.log(`\n${sumsLine(sums)}`);
  process.exitCode = sums.failed > 0 ? 1 : 0;
}

/** tap would take every file of a folder for a test. */
function expand(argument: string): string[] {
  const isFolder = statSync(argument, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder ? globSync(`${argument.replace(/\/$/, "")}/**/*.test.ts`) : [argument];
}

function printFile(result: FileResult): void {
  const mark = result.failures.length > 0 ? "FAIL" : "ok  ";
  const { passed, failures, skipped } = result;
  const counts = sumsLine({ passed, failed: failures.length, skipped: skipped.length });
  console.log(`${mark}  ${result.file.padEnd(52)} ${counts.padEnd(32)} ${(result.timeMs / 1000).toFixed(1)} s`);
  for (const reason of result.skipped) console.log(`      skipped: ${reason}`);
  for (const failure of result.failures) printFailure(failure);
  if (result.failures.length > 0 && result.output.trim() !== "") console.log(indent(`output:\n${result.output}`));
}

function printFailure({ title, diagnostics }: Failure): void {
  console.log(`\n      FAILED: ${title}`);
  console.log(indent(typeof diagnostics === "string" ? diagnostics : describe(diagnostics)));
}

/** tap's own account without the source lines and the command, which say nothing new. */
function describe(diagnostics: unknown): string {
  if (typeof diagnostics !== "object" || diagnostics === null) return "";
  const known = Object.entries(diagnostics).filter(([key]) => !UNINTERESTING.includes(key));
  return stringify(Object.fromEntries(known), { lineWidth: 0, blockQuote: "literal" });
}

function sumsLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, "        ");
}

await main();
