/*
 * Part 5: `console`. Lines leave one by one and at once, so that a script which then loops has still been heard;
 * their number and length are capped here, before the boundary.
 */
const LEVELS = ["log", "info", "warn", "error", "debug"];
const CUT = "… (line cut)";

function makeConsole(limits, hostLog) {
  let lines = 0;
  const write = (level, args) => {
    if (lines > limits.logLines) return;
    lines++;
    if (lines > limits.logLines) hostLog("warn", "log limit reached");
    else hostLog(level, cutToBytes(formatLine(args, limits.logLineBytes), limits.logLineBytes));
  };
  const console = {};
  for (let i = 0; i < LEVELS.length; i++) {
    const level = LEVELS[i];
    define(console, level, (...args) => write(level, args));
  }
  return freeze(console);
}

/** Like Node's util.format: directives in a first string, the rest separated by spaces. */
function formatLine(args, budget) {
  let next = 0;
  let text = "";
  if (typeof args[0] === "string") {
    const formatted = formatDirectives(args, budget);
    text = formatted.text;
    next = formatted.used;
  }
  for (; next < args.length && text.length <= budget; next++) {
    const shown = typeof args[next] === "string" ? args[next] : inspect(args[next], budget - text.length);
    text += next === 0 ? shown : ` ${shown}`;
  }
  return text;
}

function formatDirectives(args, budget) {
  const pattern = args[0];
  let used = 1;
  let text = "";
  let from = 0;
  for (let at = stringIndexOf(pattern, "%"); at >= 0; at = stringIndexOf(pattern, "%", at + 2)) {
    if (text.length > budget) break;
    const kind = pattern[at + 1];
    const piece = kind === "%" ? "%" : used < args.length ? formatOne(kind, args[used], budget) : undefined;
    if (piece === undefined) continue;
    if (kind !== "%") used++;
    text += stringSlice(pattern, from, at) + piece;
    from = at + 2;
  }
  return { text: text + stringSlice(pattern, from), used };
}

function formatOne(kind, value, budget) {
  if (kind === "s") return typeof value === "string" ? value : inspect(value, budget);
  if (kind === "d" || kind === "i" || kind === "f") return formatNumber(kind, value);
  if (kind === "j" || kind === "o" || kind === "O") return inspect(value, budget);
  return kind === "c" ? "" : undefined;
}

function formatNumber(kind, value) {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" || typeof value === "symbol") return "NaN";
  const number = makeNumber(value);
  return makeString(kind === "i" ? trunc(number) : number);
}

function cutToBytes(text, maxBytes) {
  if (text.length * 3 <= maxBytes) return text;
  const head = stringSlice(text, 0, maxBytes);
  if (text.length <= maxBytes && utf8Bytes(head) <= maxBytes) return text;
  let end = head.length;
  const room = maxBytes - utf8Bytes(CUT);
  while (end > 0 && utf8Bytes(stringSlice(head, 0, end)) > room) end -= end > 64 ? end >> 4 : 1;
  return stringSlice(head, 0, end) + CUT;
}
