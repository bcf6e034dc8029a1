import { mkdir, rm } from "node:fs/promises";
import type { ApplyResult } from "#contract/space.ts";
import { detectTampering, verifyAudit } from "./act-audit.ts";
import {
  computeRates,
  refuseMaximum,
  refuseRows,
  releaseAtOnce,
  suppressSmallCells,
  tellTimes,
} from "./act-release.ts";
import { approveAfterReview, rejectAfterReview } from "./act-review.ts";
import { createNarrator } from "./narration.ts";
import { expect, openScene, placesIn, type Scene } from "./scene.ts";
import { runCommand } from "./run-command.ts";
import { ServerProcess } from "./server-process.ts";
import { writeDemoSpace } from "./write-data.ts";

export interface DemoSettings {
  /** Made afresh: whatever lies there is deleted. */
  directory: string;
  print(text: string): void;
}

/** The whole path on a server of its own; throws when anything is not as it should be, and always stops the server. */
export async function runDemo({ directory, print }: DemoSettings): Promise<void> {
  const startMs = performance.now();
  const places = placesIn(directory);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  print("Sluice 数闸 · data stays, code comes in, and only reviewed releases leave.");
  const spaceFile = await writeDemoSpace(places.space);
  print(`made an invented city (20,000 residents, 60,000 visits, 3,000 enterprises) in ${places.space}`);
  await using server = await ServerProcess.start({
    dataDirectory: places.state,
    sourceRoot: places.space,
    logFile: places.log,
  });
  const scene = await openScene({ url: server.url, dataDirectory: places.state, print });
  await applySpace(scene, server.url, spaceFile);
  await playActs(scene, places.exportedLog);
  print(`All outcomes as expected, ${((performance.now() - startMs) / 1000).toFixed(1)} s in all. Log: ${places.log}`);
}

async function playActs(scene: Scene, exportedLog: string): Promise<void> {
  const step = createNarrator(scene.print);
  const releaseMs = await step("A safe aggregate on 3 million flights is released at once · 安全聚合即时出域", () =>
    releaseAtOnce(scene),
  );
  await step("Residents by district with a disease: small cells are suppressed · 小单元抑制", () =>
    suppressSmallCells(scene),
  );
  await step("A dump of rows is refused · 逐行导出被拒", () => refuseRows(scene));
  await step("max(income) is refused: it is one person's income · 极值被拒", () => refuseMaximum(scene));
  await step("A JavaScript job computes with released aggregates only · 脚本只见聚合", () => computeRates(scene));
  await step("A script that saw rows: a reviewer approves, the developer downloads · 人工审查通过", () =>
    approveAfterReview(scene),
  );
  await step("The same with a list of patients: the reviewer rejects · 人工审查驳回", () => rejectAfterReview(scene));
  const entries = await step("The audit log is exported and verified offline · 审计链核验", () =>
    verifyAudit(scene, exportedLog),
  );
  await step("Tampered copies of the log are detected · 篡改可发现", () => detectTampering(scene, entries));
  await step("From submit to release · 用时", () => tellTimes(scene, releaseMs));
}

/** By the command that an operator uses. */
async function applySpace({ operatorToken, print }: Scene, url: string, spaceFile: string): Promise<void> {
  const startMs = performance.now();
  const args = ["apply", "-f", spaceFile, "--development", "--wait", "--timeout", "40", "--json"];
  const { status, stdout, stderr } = await runCommand(args, { SLUICE_URL: url, SLUICE_TOKEN: operatorToken });
  expect(status === 0, `the space file was not applied: ${stderr.trim()}`);
  const { changes } = JSON.parse(stdout) as ApplyResult;
  expect(
    changes.every(({ change }) => change !== "waiting"),
    "the chain of authority is not complete",
  );
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  print(`applied ${spaceFile}: ${changes.length} changes, four products as Arrow files after ${seconds} s`);
}
