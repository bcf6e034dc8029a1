import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pidNamespace } from "#runner/index.ts";

const OURS = /^sluice-run-in(\d+)-(\d+)-/;

/**
 * A directory of this process for its socket. Under the temporary directory, because the name of a socket may have 107
 * characters at most. What servers that were killed have left there goes.
 */
export function makeRunDirectory(): string {
  const namespace = pidNamespace();
  for (const name of readdirSync(tmpdir())) {
    const [, space, pid] = OURS.exec(name) ?? [];
    // in another container's numbers nothing can be told
    if (space === namespace && !isRunning(Number(pid))) removeOwn(join(tmpdir(), name));
  }
  return mkdtempSync(join(tmpdir(), `sluice-run-in${namespace}-${process.pid}-`));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Another user's directory, or a link that somebody placed there, is left alone. */
function removeOwn(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true && found.uid === process.getuid?.()) rmSync(path, { recursive: true, force: true });
}
