import { existsSync } from "node:fs";
import { relative } from "node:path";
import { AppError } from "#kernel/errors.ts";
import { type Box, nodeFlags } from "./box.ts";

/** Descriptor from which bubblewrap reads the start filter. */
export const START_FILTER_FD = 6;

const PLACES = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];
const SCRATCH_BYTES = 64 * 1024 * 1024;
const NAMESPACES = ["--unshare-all", "--unshare-user", "--disable-userns", "--hostname", "sandbox"];
const PRIVILEGES = "--uid 65534 --gid 65534 --cap-drop ALL --new-session --die-with-parent".split(" ");
const ENVIRONMENT = [
  ["--clearenv"],
  ["--setenv", "HOME", "/tmp"],
  ["--setenv", "UV_USE_IO_URING", "0"],
  ["--setenv", "OPENSSL_CONF", "/dev/null"],
].flat();
const SYSTEM_MOUNTS = ["--dev", "/dev", "--proc", "/proc", "--size", String(SCRATCH_BYTES), "--tmpfs", "/tmp"];

/**
 * The command that starts the box's program under bubblewrap: every namespace of its own, an empty root, nobody's
 * number, no capability.
 *
 * INVARIANT: whoever runs this command has an empty environment. `/proc/1/environ` inside is bubblewrap's own, which
 * `--clearenv` does not touch.
 */
export function bubblewrapCommand(box: Box): string[] {
  const { program, packages, libraries, readOnly, writable, network } = box;
  const mounts: Mount[] = [
    ...[...libraries.loaders, ...libraries.files].map((path) => ["--ro-bind", path, path] as const),
    ["--ro-bind", process.execPath, "/node"],
    ["--ro-bind", program.directory, "/app"],
    ...packages.map(({ name, directory }) => ["--ro-bind", directory, `/node_modules/${name}`] as const),
    // a file that vanished is the program's to notice: it has a code for it
    ...readOnly.map((path) => ["--ro-bind-try", path, path] as const),
    ...writable.map((path) => ["--bind", path, path] as const),
  ];
  return [
    requireBubblewrap(),
    ...NAMESPACES,
    ...(network ? ["--share-net"] : []),
    ...PRIVILEGES,
    ...ENVIRONMENT,
    ...SYSTEM_MOUNTS,
    ...mounts.flat(),
    // bubblewrap's /dev has no limit of its size
    "--remount-ro",
    "/dev",
    "--remount-ro",
    "/",
    "--chdir",
    "/tmp",
    "--seccomp",
    String(START_FILTER_FD),
    "--",
    "/node",
    ...nodeFlags(box),
    `/app/${relative(program.directory, program.entry)}`,
    "lock",
  ];
}

type Mount = readonly [option: string, from: string, at: string];

/** Not looked up by name: whoever sets a search path does not choose what confines. */
function requireBubblewrap(): string {
  const found = PLACES.find((path) => existsSync(path));
  if (found === undefined) throw new AppError("configuration_invalid", "bubblewrap is not installed");
  return found;
}
