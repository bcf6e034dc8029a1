import type { IsolateQueryResult, IsolateRun } from "#contract/isolate.ts";
import { AppError } from "#kernel/errors.ts";

/**
 * Messages of the supervisor, checked by hand: the schemas of the contract would load TypeBox into every confined
 * process (and its compiled checks need code generation).
 */
export function parseRun(header: Record<string, unknown>): IsolateRun {
  const { limits, parameters } = header;
  const sound =
    isInteger(header["id"]) &&
    typeof header["script"] === "string" &&
    isInteger(header["nowMs"]) &&
    isInteger(header["seed"]) &&
    (header["seed"] as number) >= 0 &&
    (header["compileOnly"] === undefined || typeof header["compileOnly"] === "boolean") &&
    isRecord(parameters) &&
    isRecord(limits) &&
    LIMITS.every((name) => isInteger(limits[name]) && (limits[name] as number) >= 0);
  if (!sound) throw new AppError("frame_invalid", "the run does not have the documented form");
  return header as IsolateRun;
}

export function parseQueryResult(header: Record<string, unknown>): IsolateQueryResult {
  const sound = isInteger(header["id"]) && isInteger(header["query"]) && typeof header["ok"] === "boolean";
  if (!sound) throw new AppError("frame_invalid", "the query result does not have the documented form");
  return header as IsolateQueryResult;
}

const LIMITS = [
  "memoryMb",
  "logLines",
  "logLineBytes",
  "queries",
  "queriesInFlight",
  "sqlCharacters",
  "outputs",
  "outputBytes",
] as const;

function isInteger(value: unknown): boolean {
  return Number.isSafeInteger(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
