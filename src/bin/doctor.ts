import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, describeConfig } from "#config/index.ts";
import type { DoctorCheck } from "#contract/doctor.ts";
import { probeArrowExtension } from "#engine/native/index.ts";
import { loadPolicyBundle } from "#policy/index.ts";
import { detectConfinement, loadImages, preparePrograms } from "#runner/index.ts";
import { ROOT } from "./root.ts";

export interface DoctorReport {
  checks: DoctorCheck[];
  config: Record<string, unknown>;
}

/** Looks at all that a server with this configuration needs: starts probes in the accepted confinements, changes nothing. */
export async function runDoctor(config: Config): Promise<DoctorReport> {
  const checks = [
    checkNode(),
    await checkConfinement(config),
    check("policies", () => bundleDetail(config)),
    check("images", () => [...loadImages(join(ROOT, "sandbox-images"), ROOT).keys()].join(", ")),
    check("programs", () => preparePrograms().join(", ")),
    check("data directory", () => directoryDetail(config.dataDirectory)),
    await checkExtension(),
    ...config.warnings.map((detail): DoctorCheck => ({ name: "shortcut", state: "warn", detail })),
  ];
  return { checks, config: describeConfig(config) };
}

function check(name: string, look: () => string): DoctorCheck {
  try {
    return { name, state: "ok", detail: look() };
  } catch (error) {
    return { name, state: "fail", detail: error instanceof Error ? error.message : String(error) };
  }
}

function checkNode(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const fits = major > 24 || (major === 24 && minor >= 12);
  return { name: "node", state: fits ? "ok" : "fail", detail: `${process.versions.node} (needs 24.12 or newer)` };
}

async function checkConfinement({ confinement: accepted, controlGroup }: Config): Promise<DoctorCheck> {
  const name = "confinement";
  try {
    const { confinement, refusals } = await detectConfinement({ accepted, controlGroup });
    const told = [confinement ?? `none of the accepted (${accepted.join(", ")}) holds here`, ...refusals];
    if (confinement === "process") told.push("jobs run as plain child processes, without a sandbox");
    else if (confinement !== undefined) told.push("only an ingest from a database reaches the network");
    const held = confinement === "process" || refusals.length > 0 ? "warn" : "ok";
    return { name, state: confinement === undefined ? "fail" : held, detail: told.join("; ") };
  } catch (error) {
    return { name, state: "fail", detail: error instanceof Error ? error.message : String(error) };
  }
}

function bundleDetail(config: Config): string {
  const bundle = loadPolicyBundle(config.policiesDirectory);
  return `${bundle.policies.size} policies, ${bundle.profiles.size} profiles, ${bundle.digest}`;
}

function directoryDetail(directory: string): string {
  if (!existsSync(directory)) return `${directory} (will be made)`;
  accessSync(directory, constants.W_OK);
  return directory;
}

/** The engine reads the Arrow cache through the extension: without it no product can be mounted. */
async function checkExtension(): Promise<DoctorCheck> {
  const name = "arrow scan";
  try {
    return { name, state: "ok", detail: `scans mapped files in place, DuckDB ${await probeArrowExtension()}` };
  } catch (error) {
    return {
      name,
      state: "fail",
      detail: `${error instanceof Error ? error.message : String(error)} (run make setup)`,
    };
  }
}
