import { existsSync, readFileSync } from "node:fs";
import t, { type Test } from "tap";
import { OWN_PID } from "#contract/self-lock.ts";
import { type FilterNeeds, lockFilter, startFilter } from "../../src/runner/confinement/filters.ts";
import {
  type Architecture,
  AUDIT_ARCHITECTURES,
  SYSCALL_NAMES,
  type SyscallName,
  syscallNumber,
} from "../../src/runner/confinement/syscalls.ts";
import { type Outcome, runFilter } from "./bpf-machine.ts";

const EPERM: Outcome = "errno 1";
const ENOSYS: Outcome = "errno 38";
const ARCHITECTURES: readonly Architecture[] = ["x64", "arm64"];
const isolate: FilterNeeds = { role: "isolate", jit: false, network: false };
const jitIsolate: FilterNeeds = { role: "isolate", jit: true, network: false };
const engine: FilterNeeds = { role: "engine", jit: true, network: false };
const ingest: FilterNeeds = { role: "ingest", jit: true, network: false };
const remoteIngest: FilterNeeds = { role: "ingest", jit: true, network: true };
const ALL = [isolate, jitIsolate, engine, ingest, remoteIngest];

const FOREVER_KILLED: SyscallName[] = [
  ...(["fork", "vfork", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd"] as const),
  ...(["mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "move_mount", "open_by_handle_at"] as const),
  ...(["bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "init_module"] as const),
  ...(["finit_module", "kexec_load", "reboot", "mknod", "mknodat", "iopl", "ioperm", "swapon"] as const),
];

function judge(filter: Buffer, architecture: Architecture, name: SyscallName) {
  const number = syscallNumber(name, architecture);
  return (values: readonly number[] = [], upper = 0): Outcome | undefined =>
    number === undefined
      ? undefined
      : runFilter(filter, { number, architecture: AUDIT_ARCHITECTURES[architecture], arguments: values, upper });
}

for (const architecture of ARCHITECTURES) {
  const expectAll = (t: Test, filter: Buffer, names: readonly SyscallName[], expected: Outcome) => {
    for (const name of names) {
      const outcome = judge(filter, architecture, name)();
      if (outcome !== undefined) t.equal(outcome, expected, name);
    }
  };

  t.test(`${architecture}: an escape ends the process in both phases, whatever it was started for`, async (t) => {
    for (const needs of ALL) {
      expectAll(t, startFilter(needs, architecture), FOREVER_KILLED, "kill");
      expectAll(t, lockFilter(needs, architecture), [...FOREVER_KILLED, "execve", "io_uring_setup"], "kill");
      expectAll(t, lockFilter(needs, architecture), ["listen", "accept", "accept4", "socketpair"], "kill");
    }
  });

  t.test(`${architecture}: calls of another architecture and of x32 end the process`, async (t) => {
    const other = AUDIT_ARCHITECTURES[architecture === "x64" ? "arm64" : "x64"];
    const I386 = 0x4000_0003;
    for (const filter of ALL.flatMap((needs) => [startFilter(needs, architecture), lockFilter(needs, architecture)])) {
      const foreign = [other, I386, 0].flatMap((each) => Array.from({ length: 600 }, (_, i) => [i, each] as const));
      const survived = foreign.filter(([number, each]) => runFilter(filter, { number, architecture: each }) !== "kill");
      t.strictSame(survived, []);
      if (architecture !== "x64") continue;
      for (const number of [0, 1, 59, 520, 547, 0x3fff_ffff]) {
        const call = { number: (0x4000_0000 + number) >>> 0, architecture: AUDIT_ARCHITECTURES.x64 };
        t.equal(runFilter(filter, call), "kill", `x32 call ${number}`);
      }
    }
  });

  t.test(`${architecture}: a call that nobody named does not exist`, async (t) => {
    const named = new Set(SYSCALL_NAMES.map((name) => syscallNumber(name, architecture)));
    for (const filter of ALL.flatMap((needs) => [startFilter(needs, architecture), lockFilter(needs, architecture)])) {
      for (let number = 0; number < 1024; number++) {
        const outcome = runFilter(filter, { number, architecture: AUDIT_ARCHITECTURES[architecture] });
        if (!named.has(number) && outcome !== ENOSYS) t.fail(`call ${number}: ${outcome}`);
      }
    }
    t.pass("all numbers up to 1023");
  });

  t.test(`${architecture}: after the lock no file is opened, except by an ingest`, async (t) => {
    const names: SyscallName[] = ["open", "openat", "unlinkat", "renameat2", "mkdirat", "truncate", "newfstatat"];
    for (const needs of [isolate, jitIsolate, engine]) expectAll(t, lockFilter(needs, architecture), names, EPERM);
    for (const needs of [ingest, remoteIngest]) expectAll(t, lockFilter(needs, architecture), names, "allow");
    for (const needs of ALL) expectAll(t, startFilter(needs, architecture), names, "allow");
    for (const needs of ALL) expectAll(t, lockFilter(needs, architecture), ["openat2", "seccomp"], EPERM);
  });

  t.test(`${architecture}: sockets are for an ingest from the network, and never the host's own`, async (t) => {
    for (const needs of [isolate, engine, ingest]) {
      for (const filter of [startFilter(needs, architecture), lockFilter(needs, architecture)])
        expectAll(t, filter, ["socket", "connect", "bind"], "kill");
    }
    for (const filter of [startFilter(remoteIngest, architecture), lockFilter(remoteIngest, architecture)]) {
      const socket = judge(filter, architecture, "socket");
      for (const family of [2, 10, 16]) t.equal(socket([family]), "allow", `family ${family}`);
      for (const family of [1, 17, 38, 40]) t.equal(socket([family]), EPERM, `family ${family}`);
    }
  });

  t.test(`${architecture}: clone makes threads and nothing else`, async (t) => {
    const PTHREAD = 0x003d_0f00;
    for (const needs of ALL) {
      for (const filter of [startFilter(needs, architecture), lockFilter(needs, architecture)]) {
        const clone = judge(filter, architecture, "clone");
        t.equal(clone([PTHREAD]), "allow");
        t.equal(clone([PTHREAD | 0x0040_0000]), "allow", "musl's");
        t.equal(clone([17]), "kill", "a process");
        t.equal(clone([0x0120_0011]), "kill", "glibc's fork");
        t.equal(clone([0x4111]), "kill", "vfork");
        for (const flag of [
          0x80, 0x2_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
        ])
          t.equal(clone([PTHREAD | flag]), "kill", `with a namespace, ${flag.toString(16)}`);
        t.equal(judge(filter, architecture, "clone3")(), ENOSYS);
      }
    }
  });

  t.test(`${architecture}: memory becomes executable only where JavaScript is compiled`, async (t) => {
    for (const name of ["mmap", "mprotect"] as const) {
      const locked = judge(lockFilter(isolate, architecture), architecture, name);
      for (const protection of [4, 5, 7, 0x0100_0004]) t.equal(locked([0, 4096, protection]), "kill", name);
      for (const protection of [0, 1, 3]) t.equal(locked([0, 4096, protection]), "allow", name);
      for (const needs of [jitIsolate, engine, ingest])
        t.equal(judge(lockFilter(needs, architecture), architecture, name)([0, 4096, 5]), "allow", name);
      t.equal(judge(startFilter(isolate, architecture), architecture, name)([0, 4096, 5]), "allow", "while loading");
    }
    for (const needs of ALL) t.equal(judge(lockFilter(needs, architecture), architecture, "pkey_mprotect")(), ENOSYS);
  });

  t.test(`${architecture}: signals, limits, terminals and names are its own`, async (t) => {
    for (const needs of ALL) {
      const filter = lockFilter(needs, architecture);
      const of = (name: SyscallName) => judge(filter, architecture, name);
      for (const name of ["kill", "tgkill"] as const) {
        t.equal(of(name)([OWN_PID, 9]), "allow");
        for (const pid of [1, -1, 0, 4242]) t.equal(of(name)([pid, 9]), EPERM, `${name} ${pid}`);
      }
      t.equal(of("prlimit64")([0]), "allow");
      t.equal(of("prlimit64")([1]), EPERM);
      const TIOCSTI = 0x5412;
      t.equal(of("ioctl")([0, TIOCSTI]), "errno 25");
      t.equal(of("ioctl")([0, TIOCSTI], 0xffff_ffff), "errno 25", "upper halves do not help");
      t.equal(of("ioctl")([0, 0x5421]), "allow");
      t.equal(of("prctl")([15]), "allow", "PR_SET_NAME");
      for (const option of [1, 4, 22, 24, 38]) t.equal(of("prctl")([option]), EPERM, `prctl ${option}`);
    }
  });

  t.test(`${architecture}: what a loaded process lives on is allowed`, async (t) => {
    const names: SyscallName[] = ["read", "write", "futex", "epoll_pwait", "munmap", "madvise", "exit_group", "close"];
    for (const needs of ALL) expectAll(t, lockFilter(needs, architecture), names, "allow");
  });
}

const HEADERS: readonly [Architecture, string][] = [
  ["x64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"],
  ["arm64", "/usr/include/asm-generic/unistd.h"],
];
for (const [architecture, path] of HEADERS) {
  const skip = existsSync(path) ? false : `${path} is not installed`;
  t.test(`${architecture}: the numbers are those of the kernel's header`, { skip }, async (t) => {
    const text = readFileSync(path, "utf8");
    const numbers = new Map(
      [...text.matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm)].map(([, name, number]) => [name!, Number(number)]),
    );
    // on 64-bit machines the 64-bit forms have the plain name
    if (architecture === "arm64") numbers.set("newfstatat", numbers.get("fstatat")!);
    for (const name of SYSCALL_NAMES) t.equal(syscallNumber(name, architecture), numbers.get(name), name);
  });
}
