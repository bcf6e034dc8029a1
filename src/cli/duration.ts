import { usageError } from "./cli-error.ts";

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** `90s`, `30m`, `8h` → seconds. */
export function parseDurationSeconds(flag: string, text: string): number {
  const [, amount = "", unit = ""] = /^(\d+)([smh])$/.exec(text) ?? [];
  const seconds = Number(amount) * (UNIT_SECONDS[unit] ?? 0);
  if (seconds < 1) throw usageError(`${flag} takes a time like 90s, 30m or 8h`);
  return seconds;
}
