/*
 * Part 7: single values that Arrow holds as integers, as the texts and numbers that a script sees. The same forms as
 * in a release's JSON, but for integers and decimals: numbers where that is exact.
 */
const UNIT_DIGITS = { __proto__: null, s: 0, ms: 3, us: 6, ns: 9 };
const UNIT_PER_SECOND = { __proto__: null, s: 1, ms: 1e3, us: 1e6, ns: 1e9 };
const LONGEST_EXACT = 15;
const POWERS = [1];
for (let i = 1; i <= LONGEST_EXACT; i++) POWERS[i] = POWERS[i - 1] * 10;

/** A number up to 15 significant digits (both parts and so the quotient's rounding are exact), else the text. */
function decimalValue(unscaled, scale) {
  if (scale <= LONGEST_EXACT && unscaled < POWERS[LONGEST_EXACT] && unscaled > -POWERS[LONGEST_EXACT]) {
    return makeNumber(unscaled) / POWERS[scale];
  }
  return decimalText(makeBigInt(unscaled), scale);
}

/** `12.50` of 1250n and scale 2. */
function decimalText(unscaled, scale) {
  if (scale === 0) return makeString(unscaled);
  const digits = padStart(makeString(unscaled < 0n ? -unscaled : unscaled), scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${stringSlice(digits, 0, -scale)}.${stringSlice(digits, -scale)}`;
}

/** A Number where that is exact, a BigInt beyond. */
function integerValue(integer) {
  const number = makeNumber(integer);
  return isSafeInteger(number) ? number : integer;
}

/** The number with the fewest digits that rounds to the same 32-bit value. */
function shortestFloat(value) {
  for (let digits = 6; digits < 9; digits++) {
    const short = makeNumber(numberToPrecision(value, digits));
    if (fround(short) === value) return short;
  }
  return value;
}

/** ISO 8601 day; DuckDB's infinities by name. */
function dateText(days) {
  if (days === 0x7fffffff) return "infinity";
  if (days === -0x7fffffff) return "-infinity";
  return civilText(days);
}

/** `value` is a BigInt. */
function timestampText(value, unit, zoned) {
  if (value === 0x7fff_ffff_ffff_ffffn) return "infinity";
  if (value === -0x7fff_ffff_ffff_ffffn) return "-infinity";
  const perDay = makeBigInt(86_400 * UNIT_PER_SECOND[unit]);
  let days = value / perDay;
  if (days * perDay > value) days--;
  const clock = clockText(makeNumber(value - days * perDay), unit);
  return `${civilText(makeNumber(days))}T${clock}${zoned ? "Z" : ""}`;
}

/** Time of day; `value` is a Number below 86,400 seconds. */
function clockText(value, unit) {
  const perSecond = UNIT_PER_SECOND[unit];
  const seconds = floor(value / perSecond);
  const fraction = value - seconds * perSecond;
  const clock = `${two(floor(seconds / 3600))}:${two(floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === 0 ? clock : trimZeros(`${clock}.${padStart(makeString(fraction), UNIT_DIGITS[unit], "0")}`);
}

/** ISO 8601 duration of months, days and nanoseconds (a BigInt). */
function intervalText(months, days, nanoseconds) {
  const calendar = `${months === 0 ? "" : `${months}M`}${days === 0 ? "" : `${days}D`}`;
  const text = `P${calendar}${nanoseconds === 0n ? "" : `T${trimZeros(decimalText(nanoseconds, 9))}S`}`;
  return text === "P" ? "PT0S" : text;
}

/** Days since 1970 to the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"). */
function civilText(days) {
  const shifted = days + 719_468;
  const era = floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = floor(dayOfEra / 1460) - floor(dayOfEra / 36_524) + floor(dayOfEra / 146_096);
  const yearOfEra = floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + floor(yearOfEra / 4) - floor(yearOfEra / 100));
  const shiftedMonth = floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${yearText(year)}-${two(month)}-${two(day)}`;
}

/** ISO 8601 writes years outside 0 … 9999 with a sign and six digits. */
function yearText(year) {
  if (year >= 0 && year <= 9999) return padStart(makeString(year), 4, "0");
  return `${year < 0 ? "-" : "+"}${padStart(makeString(year < 0 ? -year : year), 6, "0")}`;
}

function trimZeros(text) {
  let end = text.length;
  while (text[end - 1] === "0") end--;
  return stringSlice(text, 0, text[end - 1] === "." ? end - 1 : end);
}

function two(value) {
  return value < 10 ? `0${value}` : makeString(value);
}

function uuidText(bytes, at) {
  let text = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
    text += HEX[bytes[at + i] >> 4] + HEX[bytes[at + i] & 15];
  }
  return text;
}

const HEX = "0123456789abcdef";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64Text(bytes, begin, end) {
  let text = "";
  for (let i = begin; i < end; i += 3) {
    const three = (bytes[i] << 16) | ((i + 1 < end ? bytes[i + 1] : 0) << 8) | (i + 2 < end ? bytes[i + 2] : 0);
    text += BASE64[three >> 18] + BASE64[(three >> 12) & 63];
    text += (i + 1 < end ? BASE64[(three >> 6) & 63] : "=") + (i + 2 < end ? BASE64[three & 63] : "=");
  }
  return text;
}
