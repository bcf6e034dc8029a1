import { globSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import t from "tap";
import { skipPostgres } from "../persistence/databases.ts";
import { skipOpenssl } from "./certificate.ts";
import { ALONE, skipNetwork } from "./network.ts";

const INSIDE = resolve(import.meta.dirname, "pulled-cable-process.ts");
const TITLE = "machines whose cables are pulled are one deployment";
const skip = skipPostgres() || skipOpenssl() || skipNetwork();

if (skip === false) {
  const directory = mkdtempSync(join(tmpdir(), "sluice-cable-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const namespaces = join(directory, "namespaces");
  writeFileSync(namespaces, "");
  const [command, ...words] = ALONE;
  const program = [process.execPath, "--no-node-snapshot", INSIDE];
  const env = { ...process.env, SLUICE_TEST_NAMESPACES: namespaces };
  const links = linksHere();
  await t.spawn(command, [...words, ...program], { env, timeout: 280_000 }, TITLE);
  const made = readFileSync(namespaces, "utf8").trim().split("\n");
  t.ok(made.length > 3, "it had namespaces of its own");
  t.strictSame(livingIn(new Set(made)), [], "and no process is left in any of them");
  t.strictSame(groupsOf(made), [], "nor one of their control groups");
  t.strictSame(linksHere(), links, "nor a link where it was started");
} else {
  t.test(TITLE, { skip }, () => undefined);
}

/** A control group names the namespace of its runner's number. */
function groupsOf(namespaces: readonly string[]): string[] {
  const numbers = namespaces.flatMap((name) => /^pid:\[(\d+)\]$/.exec(name)?.[1] ?? []);
  return globSync(numbers.map((number) => `/sys/fs/cgroup/**/sluice-*-${number}`));
}

function linksHere(): string[] {
  return readdirSync("/sys/class/net").toSorted();
}

/** Processes, by number, whose network or process namespace is one of these. */
function livingIn(namespaces: ReadonlySet<string>): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => ["net", "pid"].some((kind) => namespaces.has(namespaceOf(pid, kind))));
}

function namespaceOf(pid: string, kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    // it has ended meanwhile
    return "";
  }
}
