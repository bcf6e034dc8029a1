import { existsSync } from "node:fs";
import { type Box, nodeFlags } from "./box.ts";
import { START_FILTER_FD } from "./bubblewrap.ts";

const DEVICES = ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"];
/** What Node, V8 and libc read about the process itself. Nothing of `/proc` beyond: it shows every process. */
const OWN_PROCESS = ["/proc/self/maps", "/proc/self/stat", "/proc/self/statm", "/proc/self/status"];
const MACHINE = ["/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/sys/devices/system/cpu"];

/** DuckDB looks for its group's limit and aborts when it sees the file but may not read it. No data is there. */
const CONTROL_GROUPS = ["/proc/self/cgroup", "/sys/fs/cgroup"];

/** Options of the launcher for the box's program without namespaces: Landlock, the start filter, and the program. */
export function landlockOptions({ role, program, packages, libraries, readOnly, writable, network }: Box): string[] {
  const read = [
    program.directory,
    ...packages.map(({ directory }) => directory),
    ...libraries.files,
    ...OWN_PROCESS,
    ...MACHINE,
    ...(role === "isolate" ? [] : CONTROL_GROUPS),
    ...readOnly,
  ];
  const options: (readonly [name: string, path: string])[] = [
    ...libraries.loaders.map((path) => ["--execute", path] as const),
    ["--execute", process.execPath],
    ...read.filter((path) => existsSync(path)).map((path) => ["--read", path] as const),
    ...DEVICES.map((path) => ["--device", path] as const),
    ...writable.map((path) => ["--write", path] as const),
    ["--seccomp", String(START_FILTER_FD)],
    ["--setenv", "HOME=/nonexistent"],
    ["--setenv", "UV_USE_IO_URING=0"],
    ["--setenv", "OPENSSL_CONF=/dev/null"],
  ];
  return [...(network ? ["--network"] : []), "--landlock", ...options.flat()];
}

export function landlockCommand(box: Box): string[] {
  return [process.execPath, ...nodeFlags(box), box.program.entry, "lock"];
}
