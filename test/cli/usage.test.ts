import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";
import { run } from "./terminal-double.ts";

const ENTRY = fileURLToPath(new URL("../../src/bin/sluice.ts", import.meta.url));

t.test("wrong usage has status 2, one line on stderr and nothing on stdout", async (t) => {
  for (const args of [
    ["nonsense"],
    ["submit"],
    ["submit", "--scenario", "s"],
    ["submit", "--scenario", "s", "--sql", "a", "--script", "b"],
    ["submit", "--scenario", "s", "--sql", "-", "--format", "xml"],
    ["submit", "--scenario", "s", "--sql", "-", "--param", "novalue"],
    ["submit", "--scenario", "s", "--sql", "-", "--param", "a=1", "--param", "a=2"],
    ["jobs", "show"],
    ["jobs", "show", "a", "b"],
    ["jobs", "list", "--limit", "0"],
    ["reviews", "approve", "egr_1"],
    ["scenarios", "explode", "s"],
    ["token", "--org", "acme"],
    ["token", "--org", "acme", "--role", "king"],
    ["token", "--org", "acme", "--role", "developer", "--lifetime", "forever"],
    ["login", "--url", "not an address"],
    ["security", "events", "--since", "soon"],
    ["security", "events", "--severity", "loud"],
    ["security", "suspend", "--reason", "x"],
    ["security", "suspend", "--scenario", "a", "--organisation", "b", "--reason", "x"],
    ["security", "lift", "sus_1"],
    ["audit", "verify", "file", "--data", "directory"],
    ["audit", "verify", "--checkpoint", "12"],
    ["serve", "--json"],
  ]) {
    for (const more of args.includes("serve") ? [[]] : [[], ["--json"]]) {
      const { status, stdout, stderr } = await run([...args, ...more]);
      t.equal(status, 2, args.join(" "));
      t.equal(stdout, "", args.join(" "));
      t.match(stderr, /^sluice: usage: .+\n$/, args.join(" "));
    }
  }
});

t.test("a group without a command shows its help on stderr", async (t) => {
  const { status, stdout, stderr } = await run(["jobs"]);
  t.equal(status, 2);
  t.equal(stdout, "");
  t.match(stderr, "Usage: sluice jobs");
});

t.test("help goes to stdout with status 0, for every command", async (t) => {
  const top = await run(["--help"]);
  t.equal(top.status, 0);
  for (const name of [
    "serve",
    "runner",
    "token",
    "apply",
    "submit",
    "jobs",
    "releases",
    "reviews",
    "security",
    "audit",
    "doctor",
  ]) {
    t.match(top.stdout, new RegExp(`^ +${name} `, "m"));
    const { status, stdout } = await run([name, "--help"]);
    t.equal(status, 0, name);
    t.match(stdout, `Usage: sluice ${name}`);
  }
});

t.test("without a server or a token the command fails with status 1 and says what to set", async (t) => {
  t.match(await run(["jobs", "list"]), { status: 1, stdout: "", stderr: /^sluice: no_server: .*SLUICE_URL.*\n$/ });
  const env = { SLUICE_URL: "http://127.0.0.1:1" };
  t.match(await run(["jobs", "list"], { env }), { status: 1, stdout: "", stderr: /^sluice: no_token: / });
});

t.test("with --json a failure is one document too", async (t) => {
  const { status, stdout, stderr } = await run(["jobs", "list", "--json"]);
  t.equal(status, 1);
  t.match(JSON.parse(stdout), { error: { code: "no_server" } });
  t.match(stderr, /^sluice: no_server: /);
});

t.test("a server that cannot be reached is named", async (t) => {
  const env = { SLUICE_URL: "http://127.0.0.1:1", SLUICE_TOKEN: "a.b.c" };
  t.match(await run(["jobs", "show", "job_1"], { env }), {
    status: 1,
    stderr: "sluice: unreachable: No connection to http://127.0.0.1:1\n",
  });
});

t.test("a runner node says all that it lacks at once", async (t) => {
  const { status, stdout, stderr } = await run(["runner"]);
  t.match({ status, stdout, stderr }, { status: 1, stdout: "", stderr: /^sluice: configuration_invalid: / });
  t.match(stderr, /SLUICE_CONTROL_PLANE: required/);
  t.match(stderr, /SLUICE_CONFINEMENT: required/);
});

t.test("the program itself sets the exit status and survives a reader that leaves", async (t) => {
  const node = (command: string) =>
    spawnSync("/bin/sh", ["-c", command], { encoding: "utf8", env: { NODE: process.execPath, ENTRY } });
  t.equal(node('"$NODE" "$ENTRY" nonsense').status, 2);
  const version = node('"$NODE" "$ENTRY" --version');
  t.equal(version.status, 0);
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  t.equal(node('{ "$NODE" "$ENTRY" --help; echo $? >&2; } | true').stderr, "0\n");
});
