/** What keeps the process in, strongest first. `process` is a plain child process: development only. */
export const CONFINEMENT_KINDS = ["bubblewrap", "landlock", "process"] as const;
export type ConfinementKind = (typeof CONFINEMENT_KINDS)[number];

/** What holds its memory and kills it as a whole: a control group, or the limits of the process itself. */
export const MEMORY_LIMITERS = ["cgroup-v2", "cgroup-v1", "rlimit"] as const;
export type MemoryLimiter = (typeof MEMORY_LIMITERS)[number];

/** The confinement in force, as doctor, jobs and the audit log name it. */
export type Confinement = "process" | `${Exclude<ConfinementKind, "process">}+seccomp+${MemoryLimiter}`;

const ALL: ReadonlySet<string> = new Set([
  "process",
  ...MEMORY_LIMITERS.flatMap((limiter) => [
    nameConfinement("bubblewrap", limiter),
    nameConfinement("landlock", limiter),
  ]),
]);

export function isConfinement(value: unknown): value is Confinement {
  return typeof value === "string" && ALL.has(value);
}

export function nameConfinement(kind: Exclude<ConfinementKind, "process">, limiter: MemoryLimiter): Confinement {
  return `${kind}+seccomp+${limiter}`;
}

/** The kinds, strongest first. */
export function strongest(kinds: readonly ConfinementKind[]): ConfinementKind[] {
  return CONFINEMENT_KINDS.filter((kind) => kinds.includes(kind));
}

export function kindOf(confinement: Confinement): ConfinementKind {
  return CONFINEMENT_KINDS.find((kind) => confinement.startsWith(kind)) ?? "process";
}

export function limiterOf(confinement: Confinement): MemoryLimiter {
  return MEMORY_LIMITERS.find((limiter) => confinement.endsWith(limiter)) ?? "rlimit";
}

/** Whether a control group holds the memory of a process and all that it starts. */
export function hasControlGroup(confinement: Confinement): boolean {
  return kindOf(confinement) !== "process" && limiterOf(confinement) !== "rlimit";
}
