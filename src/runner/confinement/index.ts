/**
 * The one launcher of confined processes: bubblewrap or Landlock, seccomp filters, control groups, limits; and the
 * detection of what this machine can do. It must never start one with less than was asked for, or with an environment.
 */
export { findLimiter } from "./cgroup.ts";
export {
  type Confinement,
  type ConfinementKind,
  hasControlGroup,
  isConfinement,
  nameConfinement,
  strongest,
} from "./confinement.ts";
export { launch, type Launched, type LaunchOptions, signalOfCode } from "./launch.ts";
export { descendantsOf, pidNamespace, type ProcessUsage, startOf, usageOf } from "./proc.ts";
