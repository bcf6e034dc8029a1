import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Program } from "../program.ts";
import { type Libraries, librariesOf } from "./libraries.ts";
import { type PackagePlace, placePackages } from "./packages.ts";

/** All that a confined process can see and do, whatever keeps it in. */
export interface Box {
  role: "engine" | "isolate" | "ingest";
  /** May compile JavaScript to machine code. */
  jit: boolean;
  /** Reaches the network: an ingest whose source is a database. */
  network: boolean;
  program: Program;
  packages: readonly PackagePlace[];
  libraries: Libraries;
  /** Files and directories of data, visible under their own paths. */
  readOnly: readonly string[];
  writable: readonly string[];
  memoryBytes: number;
}

export const LAUNCHER: string = fileURLToPath(new URL("../../../build/native/sluice-launch", import.meta.url));

/** What libc and OpenSSL look up before they speak to a host by name. */
const NETWORK_FILES = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf"];

export type BoxNeeds = Omit<Box, "packages" | "libraries">;

export function planBox(needs: BoxNeeds): Box {
  const packages = placePackages(needs.program.packages);
  const natives = packages.flatMap(({ natives: files }) => files);
  const network = needs.network ? NETWORK_FILES.filter((path) => existsSync(path)) : [];
  return {
    ...needs,
    packages,
    libraries: librariesOf([process.execPath, ...natives]),
    readOnly: [...needs.readOnly, ...network],
  };
}

/**
 * JavaScript of developers runs without just-in-time compilation: it is less to attack, and with it a one-line
 * loop escapes the isolate's memory limit.
 */
export function nodeFlags({ role, jit }: Pick<Box, "role" | "jit">): string[] {
  const flags = ["--no-node-snapshot", "--disable-warning=ExperimentalWarning"];
  return role === "isolate" && !jit ? ["--jitless", ...flags] : flags;
}
