/*
 * Last part: takes the world's host functions (`$0` … `$5`), which never throw and take and give nothing but numbers,
 * booleans and strings, and the names of the libraries (`$6`, JSON), and answers the entry by which the process opens the world for one script.
 */
const hostLog = $0;
const hostQuery = $1;
const hostOutput = $2;
const hostHandOn = $3;
const hostFinish = $4;
const requireLibrary = makeRequire(freeze(parseJson($6)), $5);

harden();

/** Called once, before the script: `text` is the JSON of its settings. */
function open(text) {
  const { script, parameters, nowMs, seed, limits } = parseJson(text);
  fixDate(nowMs);
  define(Math, "random", randomFrom(seed));
  const queries = makeQueries(limits, hostQuery);
  publish("sql", makeSql(queries.ask));
  publish("output", makeOutput(limits, { hostOutput, hostHandOn }));
  publish("console", makeConsole(limits, hostLog));
  publish("parameters", freeze(parameters));
  publish("require", freeze(requireLibrary));
  return { whole: isWhole(script), start, deliver: queries.deliver };
}

function publish(name, value) {
  defineProperty(globalThis, name, { value, writable: false, enumerable: true, configurable: false });
}

/** A script that closes the function around it would run outside of it: it must be a whole function body. */
function isWhole(script) {
  try {
    return typeof new AsyncFunction(`"use strict";${script}\n`) === "function";
  } catch {
    return false;
  }
}

function start(body) {
  then(
    body(),
    () => hostFinish("", "", 0),
    (thrown) => {
      const { code, message, line } = describeThrown(thrown);
      hostFinish(code, message, line);
    },
  );
}

return open;
