/*
 * Part 13: `output`. Values become JSON text here, and the text's length is checked here: nothing but a bounded
 * string crosses the boundary.
 */
function makeOutput(limits, { hostOutput, hostHandOn }) {
  const names = new NativeSet();
  let characters = 0;

  const claim = (name) => {
    if (typeof name !== "string" || regExpExec(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, name) === null) {
      throw invalid("The name of an output is a letter and up to 62 letters, digits, _ or -");
    }
    if (setHas(names, name)) throw invalid(`There is an output ${name} already`);
    if (setSize(names) >= limits.outputs) throw invalid(`A job has at most ${limits.outputs} outputs`);
  };
  const send = (kind, name, text) => {
    characters += text.length;
    if (characters > limits.outputBytes || hostOutput(kind, name, text) !== "") throw tooLarge(limits);
    setAdd(names, name);
  };
  const table = (name, value) => {
    claim(name);
    const query = isObject(value) ? weakGet(queryNumbers, value) : undefined;
    if (query === undefined) {
      send("table", name, tableText(name, value, limits));
      return;
    }
    setAdd(names, name);
    hostHandOn(name, query);
  };
  const json = (name, value) => {
    claim(name);
    if (typeof value === "string" && value.length > limits.outputBytes) throw tooLarge(limits);
    send("json", name, jsonText(name, value));
  };
  return freeze({ table, json });
}

function jsonText(name, value) {
  let text;
  try {
    text = toJson(value);
  } catch (error) {
    throw invalid(`Output ${name} cannot be written as JSON: ${isError(error) ? error.message : "it threw"}`);
  }
  if (text === undefined) throw invalid(`Output ${name} is not a JSON value`);
  return text;
}

function invalid(message) {
  return codedError("OutputError", "output_invalid", stringSlice(message, 0, MAX_MESSAGE));
}

function tooLarge(limits) {
  return codedError("OutputError", "output_too_large", `The outputs are larger than ${limits.outputBytes} bytes`);
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}
