import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Where this process's own control group of a hierarchy is mounted. `controllers` is empty for version 2. */
export interface GroupPlace {
  controllers: readonly string[];
  directory: string;
}

/** The control groups of this process: version 1 has a hierarchy for each controller, version 2 one for all. */
export function findOwnGroups(): GroupPlace[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").flatMap(parseMount);
  return readFileSync("/proc/self/cgroup", "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, names, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
      if (names === undefined || path === undefined) return [];
      const controllers = names.split(",").filter(Boolean);
      const mount = mounts.find((each) => sameControllers(each, controllers));
      // a group outside what is mounted here belongs to whoever started this container
      const inside = mount ? relative(mount.root, path) : "..";
      return mount && !inside.startsWith("..") ? [{ controllers, directory: join(mount.at, inside) }] : [];
    });
}

interface Mount {
  root: string;
  at: string;
  version: 1 | 2;
  options: readonly string[];
}

/** proc(5): `id parent device root mount-point options … - type source super-options`. */
function parseMount(line: string): Mount[] {
  const [before, after] = line.split(" - ");
  const [, , , root, at] = (before ?? "").split(" ");
  const [type, , options] = (after ?? "").split(" ");
  if (root === undefined || at === undefined || (type !== "cgroup" && type !== "cgroup2")) return [];
  return [{ root, at, version: type === "cgroup" ? 1 : 2, options: (options ?? "").split(",") }];
}

function sameControllers(mount: Mount, controllers: readonly string[]): boolean {
  if (controllers.length === 0) return mount.version === 2;
  return mount.version === 1 && controllers.every((name) => mount.options.includes(name));
}
