import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OURS = /^sluice-run-(\d+)-/;

/**
 * A directory of this process for its socket. Under the temporary directory, because the name of a socket may have 107
 * characters at most. What servers that were killed have left there goes.
 */
export function makeRunDirectory(): string {
  for (const name of readdirSync(tmpdir())) {
    const pid = OURS.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) removeOwn(join(tmpdir(), name));
  }
  return mkdtempSync(join(tmpdir(), `sluice-run-${process.pid}-`));
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
