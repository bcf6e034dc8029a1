/*
 * Part 4: values as text for the log. Never calls a getter or a toString of the script's; depth, entries and length
 * are bounded.
 */
const MAX_DEPTH = 4;
const MAX_ENTRIES = 100;

/** The value as a line of text of about `budget` characters at most. */
function inspect(value, budget) {
  return inspectValue(value, { depth: 0, left: budget, open: new NativeSet() });
}

function inspectValue(value, state) {
  const text = typeof value === "object" && value !== null ? inspectObject(value, state) : inspectScalar(value, state);
  state.left -= text.length;
  return text;
}

function inspectScalar(value, state) {
  if (typeof value === "string") return toJson(stringSlice(value, 0, state.left > 0 ? state.left : 0));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return symbolToText(value);
  if (typeof value === "function") return "[Function]";
  if (value === 0 && 1 / value < 0) return "-0";
  return makeString(value);
}

function inspectObject(value, state) {
  if (setHas(state.open, value)) return "[Circular]";
  const special = inspectSpecial(value);
  if (special !== undefined) return special;
  if (state.depth >= MAX_DEPTH || state.left <= 0) return isArray(value) ? "[Array]" : "[Object]";
  setAdd(state.open, value);
  state.depth++;
  const text = inspectEntries(value, state);
  state.depth--;
  setDelete(state.open, value);
  return text;
}

function inspectSpecial(value) {
  if (isError(value)) return thrownErrorText(value);
  const time = tryTo(dateGetTime, value);
  if (time !== undefined) return isFiniteNumber(time) ? dateToIso(value) : "Invalid Date";
  const pattern = getPrototypeOf(value) === RegExp.prototype ? tryTo(regExpToText, value) : undefined;
  return pattern;
}

function thrownErrorText(error) {
  const text = tryTo(errorToText, error);
  const frames = scriptFrames(readStack(error));
  return frames === "" ? `${text}` : `${text}\n${frames}`;
}

/** The method's answer, or undefined where `value` is not of its kind. */
function tryTo(method, value) {
  try {
    return method(value);
  } catch {
    return undefined;
  }
}

function inspectEntries(value, state) {
  if (isArray(value) || tryTo(typedArrayLength, value) !== undefined) return `[${inspectList(value, state)}]`;
  if (tryTo(mapSize, value) !== undefined) return `Map {${inspectMap(value, state)}}`;
  if (tryTo(setSize, value) !== undefined) return `Set {${inspectSet(value, state)}}`;
  return `{${inspectMembers(value, state)}}`;
}

function inspectList(value, state) {
  const parts = [];
  const length = value.length;
  for (let i = 0; i < length; i++) {
    const full = i === MAX_ENTRIES || state.left <= 0;
    parts[i] = full ? `… ${length - i} more` : inspectProperty(value, i, state);
    if (full) break;
  }
  return join(parts, ", ");
}

function inspectMap(value, state) {
  const parts = [];
  mapForEach(value, (entry, key) => {
    if (parts.length === MAX_ENTRIES || state.left <= 0) return;
    parts[parts.length] = `${inspectValue(key, state)} => ${inspectValue(entry, state)}`;
  });
  return join(parts, ", ");
}

function inspectSet(value, state) {
  const parts = [];
  setForEach(value, (entry) => {
    if (parts.length < MAX_ENTRIES && state.left > 0) parts[parts.length] = inspectValue(entry, state);
  });
  return join(parts, ", ");
}

function inspectMembers(value, state) {
  const names = keys(value);
  const parts = [];
  for (let i = 0; i < names.length; i++) {
    const full = i === MAX_ENTRIES || state.left <= 0;
    parts[i] = full ? `… ${names.length - i} more` : inspectMember(value, names[i], state);
    if (full) break;
  }
  return join(parts, ", ");
}

function inspectMember(value, name, state) {
  const plain = regExpExec(/^[A-Za-z_$][\w$]*$/, name) !== null;
  return `${plain ? name : toJson(name)}: ${inspectProperty(value, name, state)}`;
}

function inspectProperty(value, name, state) {
  const property = getOwnPropertyDescriptor(value, name);
  if (property === undefined) return "undefined";
  return hasOwn(property, "value") ? inspectValue(property.value, state) : "[Getter]";
}
