import { OWN_PID } from "#contract/self-lock.ts";
import type { Architecture, SyscallName } from "./syscalls.ts";
import { type ArgumentRule, assembleFilter, type FilterPolicy, type Verdict } from "./bpf.ts";

/** Which process a filter is for. */
export interface FilterNeeds {
  role: "engine" | "isolate" | "ingest";
  /** The process compiles its JavaScript to machine code, so that it must make memory executable. */
  jit: boolean;
  /** The process reads its source over the network. */
  network: boolean;
}

const EPERM: Verdict = { errno: 1 };
const ENOTTY: Verdict = { errno: 25 };
const ENOSYS: Verdict = { errno: 38 };

/** What a loaded process needs for thinking, waiting and talking over descriptors that it has. */
const ORDINARY: readonly SyscallName[] = [
  ...(["read", "write", "futex", "epoll_pwait", "epoll_wait", "madvise", "munmap", "mremap", "brk"] as const),
  ...(["readv", "writev", "epoll_ctl", "clock_gettime", "gettimeofday", "time", "getpid", "gettid"] as const),
  ...(["sched_yield", "nanosleep", "clock_nanosleep", "poll", "ppoll", "select", "pselect6"] as const),
  ...(["rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack"] as const),
  ...(["close", "fstat", "lseek", "pread64", "pwrite64", "preadv", "pwritev", "fcntl", "dup", "dup2", "dup3"] as const),
  ...(["pipe2", "eventfd2", "epoll_create1", "shutdown", "getsockopt", "setsockopt", "getsockname"] as const),
  ...(["getpeername", "fsync", "fdatasync", "ftruncate", "fadvise64", "msync", "mincore"] as const),
  ...(["exit", "exit_group", "set_robust_list", "set_tid_address", "rseq", "membarrier", "restart_syscall"] as const),
  ...(["clock_getres", "getppid", "getcpu", "sched_getaffinity", "sched_getparam", "sched_getscheduler"] as const),
  ...(["getrandom", "uname", "sysinfo", "getrusage", "times", "getuid", "geteuid", "getgid", "getegid"] as const),
  ...(["capget", "getrlimit"] as const),
];

/** Files by name. The mounts and Landlock decide which there are. */
const FILES: readonly SyscallName[] = [
  ...(["open", "openat", "newfstatat", "stat", "lstat", "statx", "access", "faccessat", "faccessat2"] as const),
  ...(["readlink", "readlinkat", "getdents64", "getcwd", "chdir", "unlink", "unlinkat", "mkdir", "mkdirat"] as const),
  ...(["rmdir", "rename", "renameat", "renameat2", "utimensat", "statfs", "fstatfs", "umask", "chmod"] as const),
  ...(["fchmod", "fchmodat", "fallocate", "flock", "truncate", "copy_file_range", "sendfile"] as const),
];

/** Nobody calls these by mistake: to try is to try to get out, and ends the process. */
const ESCAPES: readonly SyscallName[] = [
  ...(["execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp"] as const),
  ...(["mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "open_tree", "move_mount", "fsopen"] as const),
  ...(["fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at", "mknod", "mknodat"] as const),
  ...(["bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "init_module"] as const),
  ...(["finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff"] as const),
  ...(["iopl", "ioperm", "acct", "quotactl", "settimeofday", "clock_settime", "sethostname"] as const),
  ...(["setdomainname", "vhangup"] as const),
];

const SOCKETS: readonly SyscallName[] = [
  ...(["socket", "connect", "bind", "listen", "accept", "accept4", "socketpair"] as const),
];

/** `sendto` with an address and descriptors in messages are ways out too, but harmless without a socket of one's own. */
const MESSAGES: readonly SyscallName[] = [
  ...(["sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg"] as const),
];

const IO_URING: readonly SyscallName[] = ["io_uring_setup", "io_uring_enter", "io_uring_register"];

/** What is refused by name, so that it reads as "not permitted" and not as an old kernel. */
const PRIVILEGES: readonly SyscallName[] = [
  ...(["setuid", "setgid", "setresuid", "setresgid", "symlink", "symlinkat", "link", "linkat", "tkill"] as const),
  ...(["pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sched_setaffinity", "setpriority"] as const),
  ...(["personality", "creat", "process_madvise"] as const),
];

// include/uapi/linux/sched.h: what pthread_create sets, and what it may set besides
const THREAD_FLAGS = 0x0001_0000 | 0x0000_0100 | 0x0000_0800;
const THREAD_EXTRAS = 0x0000_0200 | 0x0000_0400 | 0x0004_0000 | 0x0008_0000 | 0x0010_0000 | 0x0020_0000 | 0x0040_0000;
/** clone with anything else makes a process or a namespace. clone3 hides its flags in memory: libc falls back. */
const THREADS: ArgumentRule = {
  argument: 0,
  mask: ~(THREAD_EXTRAS | 0x0100_0000),
  values: [THREAD_FLAGS],
  match: "allow",
  miss: "kill",
};

/** FIONBIO, FIOCLEX, FIONREAD, TCGETS, TIOCGWINSZ (asm-generic/ioctls.h): no terminal can be typed into. */
const IOCTLS: ArgumentRule = {
  argument: 1,
  mask: 0xffff_ffff,
  values: [0x5421, 0x5451, 0x541b, 0x5401, 0x5413],
  match: "allow",
  miss: ENOTTY,
};

/** PR_SET_NAME, PR_GET_NAME and PR_SET_VMA, by which threads and memory get names. */
const NAMING: ArgumentRule = {
  argument: 0,
  mask: 0xffff_ffff,
  values: [15, 16, 0x5356_4d41],
  match: "allow",
  miss: EPERM,
};

const OWN_LIMITS: ArgumentRule = { argument: 0, mask: 0xffff_ffff, values: [0], match: "allow", miss: EPERM };
const OWN_SIGNALS: ArgumentRule = { argument: 0, mask: 0xffff_ffff, values: [OWN_PID], match: "allow", miss: EPERM };
const PROT_EXEC = 4;
const DATA_MEMORY: ArgumentRule = { argument: 2, mask: PROT_EXEC, values: [PROT_EXEC], match: "kill", miss: "allow" };
/** AF_INET, AF_INET6 and AF_NETLINK, by which libc asks for its own addresses; not AF_UNIX, which is the host's. */
const ADDRESSES: ArgumentRule = {
  argument: 0,
  mask: 0xffff_ffff,
  values: [2, 10, 16],
  match: "allow",
  miss: EPERM,
};

/** In force from the first instruction of Node to its end: no process, no socket, no way to another namespace. */
export function startFilter({ network }: FilterNeeds, architecture: Architecture): Buffer {
  return assembleFilter(
    {
      rules: [
        { names: [...ORDINARY, ...FILES], verdict: "allow" },
        { names: ["mmap", "mprotect", "arch_prctl", "prctl", "seccomp", "execve", "wait4"], verdict: "allow" },
        { names: ["kill", "tgkill"], verdict: "allow" },
        ...common(network),
        { names: [...IO_URING, "clone3", "memfd_create", "pkey_mprotect"], verdict: ENOSYS },
      ],
      otherwise: ENOSYS,
    },
    architecture,
  );
}

/**
 * Put on by the process itself when all is loaded and before the first byte of a developer's. An ingest keeps its
 * files, which its mounts bound, for it works with them to its end.
 */
export function lockFilter({ role, jit, network }: FilterNeeds, architecture: Architecture): Buffer {
  const files: FilterPolicy["rules"][number] = { names: FILES, verdict: role === "ingest" ? "allow" : EPERM };
  return assembleFilter(
    {
      rules: [
        { names: ORDINARY, verdict: "allow" },
        files,
        { names: ["mmap", "mprotect"], verdict: jit ? "allow" : DATA_MEMORY },
        { names: ["prctl"], verdict: NAMING },
        { names: ["kill", "tgkill"], verdict: OWN_SIGNALS },
        ...common(network),
        { names: ["execve", ...IO_URING], verdict: "kill" },
        { names: ["clone3", "memfd_create", "pkey_mprotect"], verdict: ENOSYS },
        { names: ["openat2", "seccomp", "wait4", "arch_prctl"], verdict: EPERM },
      ],
      otherwise: ENOSYS,
    },
    architecture,
  );
}

function common(network: boolean): FilterPolicy["rules"] {
  const sockets: FilterPolicy["rules"] = network
    ? [
        { names: ["socket"], verdict: ADDRESSES },
        { names: ["connect", "bind", ...MESSAGES], verdict: "allow" },
        { names: ["listen", "accept", "accept4", "socketpair"], verdict: "kill" },
      ]
    : [
        { names: SOCKETS, verdict: "kill" },
        { names: MESSAGES, verdict: EPERM },
      ];
  return [
    { names: ["clone"], verdict: THREADS },
    { names: ["ioctl"], verdict: IOCTLS },
    { names: ["prlimit64"], verdict: OWN_LIMITS },
    ...sockets,
    { names: ESCAPES, verdict: "kill" },
    { names: PRIVILEGES, verdict: EPERM },
  ];
}
