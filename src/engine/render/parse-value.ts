/** Values of `ReleasedTable` back to DuckDB's own units. Each gives nothing for what is no value of the type. */
import type { Unit } from "./kind.ts";

const LARGEST_LONG = (1n << 63n) - 1n;
const LARGEST_INT = 0x7fffffffn;
const PER_SECOND: Readonly<Record<Unit, bigint>> = { s: 1n, ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n };
const FRACTION_DIGITS: Readonly<Record<Unit, number>> = { s: 0, ms: 3, us: 6, ns: 9 };
const MS_PER_DAY = 86_400_000;

export function parseInteger(value: unknown): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^[+-]?\d{1,40}$/.test(value) ? BigInt(value.replace(/^\+/, "")) : undefined;
}

export function parseFloatValue(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  return undefined;
}

/** The unscaled value; digits are never rounded away. */
export function parseDecimal(value: unknown, width: number, scale: number): bigint | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const parts = /^([+-]?)(\d{1,40})(?:\.(\d{1,40}))?$/.exec(text);
  const fraction = (parts?.[3] ?? "").replace(/0+$/, "");
  if (!parts || fraction.length > scale) return undefined;
  const digits = BigInt(parts[2]! + fraction.padEnd(scale, "0"));
  if (digits >= 10n ** BigInt(width)) return undefined;
  return parts[1] === "-" ? -digits : digits;
}

/** Lists and objects become their JSON. */
export function parseText(value: unknown): Uint8Array | undefined {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === undefined ? undefined : Buffer.from(text.toWellFormed(), "utf8");
}

export function parseBytes(value: unknown): Uint8Array | undefined {
  if (typeof value !== "string") return undefined;
  const bytes = Buffer.from(value, "base64");
  return bytes.toString("base64") === value ? bytes : undefined;
}

/** DuckDB turns the top bit over, so that the order is that of the text. */
export function parseUuid(value: unknown): bigint | undefined {
  if (typeof value !== "string") return undefined;
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value)) return undefined;
  return BigInt(`0x${value.replaceAll("-", "")}`) ^ (1n << 127n);
}

export function parseDate(value: unknown): bigint | undefined {
  if (value === "infinity") return LARGEST_INT;
  if (value === "-infinity") return -LARGEST_INT;
  return typeof value === "string" ? daysOf(value) : undefined;
}

export function parseTime(value: unknown): bigint | undefined {
  return typeof value === "string" ? clockOf(value, "us") : undefined;
}

export function parseTimestamp(value: unknown, unit: Unit): bigint | undefined {
  if (value === "infinity") return LARGEST_LONG;
  if (value === "-infinity") return -LARGEST_LONG;
  if (typeof value !== "string") return undefined;
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(value);
  const days = parts && daysOf(parts[1]!);
  const clock = parts && clockOf(parts[2] ?? "00:00:00", unit);
  if (days === null || days === undefined || clock === null || clock === undefined) return undefined;
  const instant = days * 86_400n * PER_SECOND[unit] + clock - offsetOf(parts?.[3]) * PER_SECOND[unit];
  return instant < LARGEST_LONG && instant > -LARGEST_LONG ? instant : undefined;
}

function daysOf(text: string): bigint | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  // JavaScript takes the 30th of February for the 1st or 2nd of March
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) return undefined;
  return BigInt(ms / MS_PER_DAY);
}

/** A digit that the unit has no place for is no value of the type. */
function clockOf(text: string, unit: Unit): bigint | undefined {
  const parts = /^(\d{2}):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?$/.exec(text);
  const fraction = (parts?.[4] ?? "").replace(/0+$/, "");
  if (!parts || Number(parts[1]) > 23 || fraction.length > FRACTION_DIGITS[unit]) return undefined;
  const seconds = BigInt(parts[1]!) * 3600n + BigInt(parts[2]!) * 60n + BigInt(parts[3]!);
  return seconds * PER_SECOND[unit] + BigInt(fraction.padEnd(FRACTION_DIGITS[unit], "0") || "0");
}

/** Seconds that a local time is ahead of UTC. */
function offsetOf(zone: string | undefined): bigint {
  if (zone === undefined || zone === "Z") return 0n;
  const seconds = BigInt(zone.slice(1, 3)) * 3600n + BigInt(zone.slice(4, 6)) * 60n;
  return zone.startsWith("-") ? -seconds : seconds;
}
