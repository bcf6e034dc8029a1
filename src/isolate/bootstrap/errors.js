/*
 * Part 3: errors that the image itself throws, and thrown things turned into text. All of it runs inside the
 * isolate: the process never touches an object of the script's.
 */
const issuedCodes = new WeakMap();
const MAX_MESSAGE = 2000;
const MAX_FRAMES = 5;

/** An Error with a code of the closed list. Only errors made here end a job with their own code. */
function codedError(name, code, message) {
  return withCode(new NativeError(message), { name, code, message });
}

/** `site` was made where the script called, so that its stack still names the script's line. */
function withCode(site, { name, code, message }) {
  define(site, "name", name);
  define(site, "message", message);
  define(site, "stack", join([`${name}: ${message}`, scriptFrames(readStack(site))], "\n"));
  defineProperty(site, "code", { value: code, enumerable: true });
  weakSet(issuedCodes, site, code);
  return site;
}

/** `{ code, message, line }` of whatever the script threw. A looping getter loops here, until the supervisor kills. */
function describeThrown(thrown) {
  try {
    const stack = readStack(thrown);
    const frames = scriptFrames(stack);
    const text = frames === "" ? thrownText(thrown) : `${thrownText(thrown)}\n${frames}`;
    return { code: thrownCode(thrown), message: stringSlice(text, 0, MAX_MESSAGE), line: scriptLine(stack) };
  } catch {
    return { code: "script_error", message: "The script threw a value that cannot be shown", line: 0 };
  }
}

function thrownCode(thrown) {
  if (!isError(thrown)) return "script_error";
  const code = weakGet(issuedCodes, thrown);
  if (code !== undefined) return code;
  const exhausted = thrown.name === "RangeError" && thrown.message === "Array buffer allocation failed";
  return exhausted ? "memory_limit" : "script_error";
}

function thrownText(thrown) {
  return isError(thrown) ? errorToText(thrown) : `Thrown: ${inspect(thrown, MAX_MESSAGE)}`;
}

function readStack(thrown) {
  if (!isError(thrown)) return "";
  const { stack } = thrown;
  return typeof stack === "string" ? stringSlice(stack, 0, 16_384) : "";
}

function scriptLine(stack) {
  const match = regExpExec(/script\.js:(\d{1,9}):\d/, stack);
  return match === null ? 0 : +match[1];
}

/** Only `script.js:line:column`, innermost first. */
function scriptFrames(stack) {
  const found = [];
  const frame = /script\.js:\d{1,9}:\d{1,9}/g;
  for (let match = regExpExec(frame, stack); match !== null; match = regExpExec(frame, stack)) {
    found[found.length] = `    at ${match[0]}`;
    if (found.length === MAX_FRAMES) break;
  }
  return join(found, "\n");
}
