import type { IsolateDone } from "#contract/isolate.ts";
import type { ReasonCode } from "#contract/job.ts";

/** How a script ended, as the supervisor is told. */
export type Outcome = Pick<IsolateDone, "ok" | "code" | "message" | "line">;

export const MAX_MESSAGE_CHARACTERS = 2000;

export function failure(code: ReasonCode, message: string, line = 0): Outcome {
  const text = message.slice(0, MAX_MESSAGE_CHARACTERS);
  return line > 0 ? { ok: false, code, message: text, line } : { ok: false, code, message: text };
}

/** What the bootstrap reports; its words are checked, because the script may have taken the isolate over. */
export function reported(code: unknown, message: unknown, line: unknown): Outcome {
  if (code === "") return { ok: true };
  const known = typeof code === "string" && Object.hasOwn(GUEST_CODES, code) ? (code as ReasonCode) : "script_error";
  return failure(known, typeof message === "string" ? message : "", Number.isSafeInteger(line) ? (line as number) : 0);
}

/** isolated-vm appends `[script.js:line:column]` to a syntax error. Its stack would name files of this machine. */
export function fromSyntaxError(error: unknown): Outcome {
  const text = error instanceof Error ? error.message : "";
  const place = /^(.*?) ?\[script\.js:(\d+):(\d+)\]$/s.exec(text);
  if (!place) return failure("script_error", "The script does not compile");
  const hint = IMPORT.test(place[1] ?? "") ? ' (libraries: const name = require("name"))' : "";
  const message = `SyntaxError: ${place[1]}${hint}\n    at script.js:${place[2]}:${place[3]}`;
  return failure("script_error", message, Number(place[2]));
}

/**
 * What isolated-vm rejected an entry with: the isolate is gone, or a promise of the script's was rejected and nobody
 * handled it. The copied error's stack ends in frames of this process: only the script's own line is taken from it.
 */
export function fromHostError(error: unknown, isolateGone: boolean): Outcome {
  if (isolateGone) return failure("memory_limit", "The script needed more memory than it may use");
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : shownPrimitive(error);
  const line = error instanceof Error ? /script\.js:(\d{1,9}):\d/.exec((error.stack ?? "").slice(0, 16_384)) : null;
  return failure("script_error", `A promise was rejected and nobody handled it: ${reason}`, Number(line?.[1] ?? 0));
}

/** A thrown object arrives as nothing that may be asked for its text. */
function shownPrimitive(value: unknown): string {
  return typeof value === "string" ? value : `of type ${typeof value}`;
}

const IMPORT = /^Cannot use (?:import statement|'import\.meta') outside a module$/;

const GUEST_CODES: Readonly<Record<string, true>> = {
  script_error: true,
  memory_limit: true,
  query_error: true,
  query_invalid: true,
  plan_refused: true,
  egress_block: true,
  authority_missing: true,
  cancelled: true,
  output_too_large: true,
  output_invalid: true,
  query_limit: true,
  product_unavailable: true,
  timeout: true,
};
