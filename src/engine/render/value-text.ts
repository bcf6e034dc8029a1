import type { IntervalCell } from "./cells.ts";
import type { Unit } from "./kind.ts";

const DIGITS: Readonly<Record<Unit, number>> = { s: 0, ms: 3, us: 6, ns: 9 };
const PER_SECOND: Readonly<Record<Unit, bigint>> = { s: 1n, ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n };
const SECONDS_PER_DAY = 86_400n;
const LARGEST_LONG = (1n << 63n) - 1n;
const LARGEST_INT = 0x7fffffff;

/** `12.50` of 1250 and scale 2. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const sign = unscaled < 0n ? "-" : "";
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The number with the fewest digits that rounds to the same 32-bit value. */
export function shortestFloat(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** ISO 8601 day; DuckDB's infinities by name. */
export function dateText(days: number): string {
  if (days === LARGEST_INT) return "infinity";
  if (days === -LARGEST_INT) return "-infinity";
  return civilText(BigInt(days));
}

export function timeText(value: bigint, unit: "us" | "ns"): string {
  return clockText(value, unit);
}

export function timestampText(value: bigint, { unit, zoned }: { unit: Unit; zoned: boolean }): string {
  if (value === LARGEST_LONG) return "infinity";
  if (value === -LARGEST_LONG) return "-infinity";
  const perDay = SECONDS_PER_DAY * PER_SECOND[unit];
  const days = floorDivide(value, perDay);
  return `${civilText(days)}T${clockText(value - days * perDay, unit)}${zoned ? "Z" : ""}`;
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** ISO 8601 duration of months, days and seconds. */
export function intervalText({ months, days, nanoseconds }: IntervalCell): string {
  const parts = [months === 0 ? "" : `${months}M`, days === 0 ? "" : `${days}D`];
  const seconds = nanoseconds === 0n ? "" : `T${trimmed(decimalText(nanoseconds, 9))}S`;
  const text = `P${parts.join("")}${seconds}`;
  return text === "P" ? "PT0S" : text;
}

export function bytesText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Days since 1970 to the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"). */
function civilText(days: bigint): string {
  const shifted = days + 719_468n;
  const era = floorDivide(shifted, 146_097n);
  const dayOfEra = shifted - era * 146_097n;
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const shiftedMonth = (5n * dayOfYear + 2n) / 153n;
  const day = dayOfYear - (153n * shiftedMonth + 2n) / 5n + 1n;
  const month = shiftedMonth < 10n ? shiftedMonth + 3n : shiftedMonth - 9n;
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n);
  return `${yearText(year)}-${two(month)}-${two(day)}`;
}

/** ISO 8601 writes years outside 0 … 9999 with a sign and six digits. */
function yearText(year: bigint): string {
  if (year >= 0n && year <= 9999n) return String(year).padStart(4, "0");
  return `${year < 0n ? "-" : "+"}${String(year < 0n ? -year : year).padStart(6, "0")}`;
}

function clockText(value: bigint, unit: Unit): string {
  const seconds = value / PER_SECOND[unit];
  const fraction = value % PER_SECOND[unit];
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return fraction === 0n ? clock : trimmed(`${clock}.${String(fraction).padStart(DIGITS[unit], "0")}`);
}

function trimmed(text: string): string {
  return text.replace(/\.?0+$/, "");
}

function two(value: bigint): string {
  return String(value).padStart(2, "0");
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
