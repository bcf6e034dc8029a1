import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { join } from "node:path";
import t, { type Test } from "tap";
import { detectConfinement } from "../../src/runner/detect-confinement.ts";
import { prepareProgram } from "../../src/runner/program.ts";
import { type Looked, PROBE } from "./look-process.ts";

const LOOK = join(import.meta.dirname, "look-process.ts");
const NODE = [process.execPath, "--no-node-snapshot", "--disable-warning=ExperimentalWarning", LOOK];
const NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
const isRoot = process.getuid?.() === 0;
const run = promisify(execFile);

async function look(user: "self" | "nobody", ...words: string[]): Promise<Looked> {
  const [command, ...rest] = [...(user === "nobody" ? NOBODY : []), ...NODE, ...words];
  const { stdout } = await run(command!, rest, { env: { PATH: process.env["PATH"], HOME: "/tmp" } });
  return JSON.parse(stdout) as Looked;
}

// an ordinary user cannot write the program: it is there before
prepareProgram(PROBE);
const users = isRoot ? (["self", "nobody"] as const) : (["self"] as const);
const REFUSED = /^(ENOENT|EACCES|EPERM|EROFS|ENOTDIR)$/;

function checkData(t: Test, role: string, { places, read, write }: Looked): void {
  const granted = role === "isolate" ? REFUSED : /^done$/;
  t.match(read[places["granted"]!], granted, "the granted file");
  t.match(write[places["granted"]!], REFUSED, "the granted file is not written");
  for (const name of ["otherColumn", "manifest", "otherProduct"]) {
    t.match(read[places[name]!], REFUSED, `${name} is not read`);
    t.match(write[places[name]!], REFUSED, `${name} is not written`);
  }
  const own = role === "ingest" ? /^done$/ : REFUSED;
  for (const name of ["subjects", "staging"]) t.match(write[places[name]!], own, `${name}, written`);
}

function checkSurroundings(t: Test, looked: Looked): void {
  const { environment, environs, read, write, places } = looked;
  t.strictSame(
    environment.filter((name) => !["HOME", "OPENSSL_CONF", "PWD", "UV_USE_IO_URING"].includes(name)),
    [],
    "an environment of its own",
  );
  t.notMatch(environs, /canary|PATH=|SLUICE/, "no other environment can be read");
  const known = new Set(Object.values(places));
  const outside = (all: Record<string, string>) => Object.entries(all).filter(([path]) => !known.has(path));
  for (const [path, outcome] of outside(read)) t.match(outcome, REFUSED, `${path} is not read`);
  for (const [path, outcome] of outside(write)) t.match(outcome, REFUSED, `${path} is not written`);
}

for (const kind of ["bubblewrap", "landlock"] as const) {
  const { confinement, refusals } = await detectConfinement({ accepted: [kind], controlGroup: "preferred" });
  const skip = confinement === undefined && `${kind} does not hold on this machine: ${refusals.join("; ")}`;
  for (const user of users) {
    const inForce = user === "nobody" ? `${kind}+seccomp+rlimit` : (confinement ?? "");
    for (const role of ["engine", "isolate", "ingest"]) {
      t.test(`${kind}, ${user}, ${role}: nothing but what it needs can be seen or written`, { skip }, async (t) => {
        const looked = await look(user, inForce, role, "program,tcp,abstract,interfaces,open");
        checkSurroundings(t, looked);
        checkData(t, role, looked);
        t.match(looked.status, /^NoNewPrivs:\s+1$/m);
        t.match(looked.status, /^Seccomp:\s+2$/m);
        if (kind === "bubblewrap") {
          t.match(looked.status, /^CapBnd:\s+0+$/m, "no capability can be had");
          t.ok(looked.processes.length <= 2, "/proc shows only itself");
          t.equal(looked.mountedAs.uid, 65_534);
        } else t.strictSame(looked.processes, [], "/proc cannot be listed");
        for (const deed of ["program", "tcp", "abstract", "interfaces"]) {
          t.match(looked.deeds[deed]?.end, { how: "escape_tried", signal: "SIGSYS" }, deed);
        }
        if (role !== "ingest") t.match(looked.deeds["open"]?.answer, REFUSED, "no file after the lock");
      });
    }

    t.test(
      `${kind}, ${user}: an ingest from the network reaches hosts, and no socket of this one`,
      { skip },
      async (t) => {
        const { deeds } = await look(user, inForce, "ingest", "tcp,abstract,program", "network");
        t.match(deeds["tcp"], { answer: "connected" });
        t.match(deeds["abstract"]?.answer, REFUSED);
        t.match(deeds["program"]?.end, { how: "escape_tried" });
      },
    );

    t.test(`${kind}, ${user}: memory ends at its limit`, { skip }, async (t) => {
      const { deeds } = await look(user, inForce, "isolate", "memory");
      const how = inForce.includes("cgroup") ? /out_of_memory|signalled|exited/ : /signalled|exited/;
      t.match(deeds["memory"]?.end?.how, how);
      t.equal(deeds["memory"]?.end?.requested, false);
    });
  }
}
