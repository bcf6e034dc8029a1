import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type FilterNeeds, lockFilter, startFilter } from "../../src/runner/confinement/filters.ts";
import { type Architecture, type SyscallName, syscallNumber } from "../../src/runner/confinement/syscalls.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-calls-"));
const program = join(directory, "try-calls");
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
execFileSync("cc", ["-O1", "-Wall", "-Wextra", "-Werror", "-o", program, join(import.meta.dirname, "try-calls.c")]);

const architecture = process.arch as Architecture;
const SIGSYS = "signal 31";
const EPERM = "errno 1";
const ENOSYS = "errno 38";

/** What became of each call, made by a real process under the filter. */
function tryCalls(filter: Buffer, calls: readonly string[]): Map<string, string> {
  const out = execFileSync(program, calls, { input: filter, encoding: "utf8" });
  const lines = out.trim().split("\n");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
}

const call = (name: SyscallName, ...values: number[]) => [syscallNumber(name, architecture), ...values].join(":");
const present = (names: readonly SyscallName[]) =>
  names.filter((name) => syscallNumber(name, architecture) !== undefined);

const KILLED = present([
  ...(["execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2"] as const),
  ...(["pivot_root", "chroot", "setns", "unshare", "bpf", "perf_event_open", "userfaultfd", "keyctl"] as const),
  ...(["add_key", "request_key", "init_module", "finit_module", "kexec_load", "reboot", "mknodat"] as const),
  ...(["open_by_handle_at", "pidfd_getfd", "move_mount", "fsopen", "swapon", "sethostname", "iopl"] as const),
]);
const roles: [string, FilterNeeds][] = [
  ["isolate", { role: "isolate", jit: false, network: false }],
  ["isolate with compiler", { role: "isolate", jit: true, network: false }],
  ["engine", { role: "engine", jit: true, network: false }],
  ["ingest", { role: "ingest", jit: true, network: false }],
  ["ingest from the network", { role: "ingest", jit: true, network: true }],
];

for (const [title, needs] of roles) {
  t.test(`${title}: the kernel ends who tries to get out, and refuses what is only curious`, async (t) => {
    const locked = lockFilter(needs, architecture);
    const fatal = [...KILLED.map((name) => call(name)), call("execve"), call("io_uring_setup"), call("clone", 17)];
    if (!needs.network) fatal.push(call("socket", 2, 1), call("socket", 1, 1), call("connect"));
    fatal.push(call("listen"), call("socketpair", 1, 1));
    for (const [what, outcome] of tryCalls(locked, fatal)) t.equal(outcome, SIGSYS, what);
    const refused = [call("kill", 1, 9), call("prctl", 22), call("setuid", 0), call("prlimit64", 1, 0)].concat(
      needs.role === "ingest" ? [] : [call("openat", -100), call("unlinkat", -100)],
    );
    for (const [what, outcome] of tryCalls(locked, refused)) t.equal(outcome, EPERM, what);
    const unknown = [call("clone3"), call("memfd_create"), "9999", call("landlock_create_ruleset")];
    for (const [what, outcome] of tryCalls(locked, unknown)) t.equal(outcome, ENOSYS, what);
    const starting = tryCalls(
      startFilter(needs, architecture),
      KILLED.map((name) => call(name)),
    );
    for (const [what, outcome] of starting) t.equal(outcome, SIGSYS, `${what} while loading`);
  });
}

t.test("code pages are for processes that compile", async (t) => {
  const map = call("mmap", 0, 4096, 7, 0x22);
  const [isolate, compiling] = [roles[0]![1], roles[1]![1]];
  t.equal(tryCalls(lockFilter(isolate, architecture), [map]).get(map), SIGSYS);
  t.not(tryCalls(lockFilter(compiling, architecture), [map]).get(map), SIGSYS);
});

const skip = architecture === "x64" ? false : "the other interfaces are x86-64's";
t.test("the 32-bit and x32 interfaces end the process", { skip }, async (t) => {
  for (const [, needs] of roles) {
    for (const filter of [startFilter(needs, architecture), lockFilter(needs, architecture)])
      for (const [what, outcome] of tryCalls(filter, ["i386", "x32"])) t.equal(outcome, SIGSYS, what);
  }
});
