/*
 * Part 10: query results. A result is a deeply frozen array of row objects whose rows are made when the script first
 * looks at one: a script that takes columns, or hands the result on, never pays for them. A result handed to
 * `output.table` is named by the number of its query, so that what the script holds of it does not matter.
 */
const queryNumbers = new WeakMap();
/** From here on, rows are made by a function compiled for their columns; below, compiling costs more than it saves. */
const COMPILED_ROWS = 64;

/** `head` is the JSON of a `ScriptTable` (contract/script-table.ts), `stream` the Arrow bytes that it describes. */
function makeResult(query, head, stream) {
  const { columns, rowCount, suppressed, notes, layout } = parseJson(head);
  const table = { columns: freezeDeep(columns), rowCount, layout, stream, values: [] };
  const target = [];
  let rows;
  defineProperty(target, "columns", { value: columns });
  defineProperty(target, "rows", { get: () => (rows ??= positionalRows(table)) });
  defineProperty(target, "suppressed", { value: suppressed });
  defineProperty(target, "notes", { value: freezeDeep(notes) });
  defineProperty(target, "column", { value: (name) => copyValues(valuesOf(table, columnIndex(table, name))) });
  defineProperty(target, "toArray", { value: () => copyArray(result) });
  defineProperty(target, "toArquero", { value: () => toArquero(table) });
  const result = lazyArray(target, { length: rowCount, fill: () => fillRows(target, table) });
  weakSet(queryNumbers, result, query);
  return result;
}

/**
 * `target` behind a proxy that fills and freezes it at the first question that its rows could answer. The traps are
 * gone then, and the proxy costs what a proxy without any costs.
 */
function lazyArray(target, { length, fill }) {
  const handler = { __proto__: null };
  const open = () => {
    if (handler.get === undefined) return;
    for (let i = 0; i < TRAPS.length; i++) delete handler[TRAPS[i]];
    fill();
    freeze(target);
  };
  for (let i = 0; i < TRAPS.length; i++) {
    const answer = reflected[TRAPS[i]];
    handler[TRAPS[i]] = (...args) => {
      open();
      return apply(answer, undefined, args);
    };
  }
  handler.get = (_target, key) => {
    if (key === "length") return length;
    if (typeof key === "string" && key[0] >= "0" && key[0] <= "9") open();
    return target[key];
  };
  return new NativeProxy(target, handler);
}

function valuesOf(table, index) {
  return (table.values[index] ??= columnValues(columnNodes(table, index), table.rowCount));
}

function columnIndex({ columns }, name) {
  const names = [];
  for (let i = 0; i < columns.length; i++) {
    if (columns[i].name === name) return i;
    names[i] = columns[i].name;
  }
  throw new NativeTypeError(`The result has no such column; it has ${join(names, ", ")}`);
}

function allValues(table) {
  const all = [];
  for (let i = 0; i < table.columns.length; i++) all[i] = valuesOf(table, i);
  // every column is read: the bytes are not needed any more
  table.stream = undefined;
  return all;
}

function fillRows(target, table) {
  const values = allValues(table);
  const make = table.rowCount < COMPILED_ROWS ? rowByName(table.columns, values) : compiledRow(table.columns, values);
  for (let i = 0; i < table.rowCount; i++) target[i] = freeze(make(i));
}

function rowByName(columns, values) {
  return (i) => {
    const row = {};
    for (let c = 0; c < columns.length; c++) setOwn(row, columns[c].name, values[c][i]);
    return row;
  };
}

/** `(i) => ({ "district": v0[i], "n": v1[i] })`; a name is a JSON text there and can be nothing else. */
function compiledRow(columns, values) {
  const parameters = [];
  const members = [];
  for (let c = 0; c < columns.length; c++) {
    parameters[c] = `v${c}`;
    const name = toJson(columns[c].name);
    // a plain "__proto__" would set the prototype
    members[c] = `${name === '"__proto__"' ? `[${name}]` : name}: v${c}[i]`;
  }
  const body = `"use strict"; return (i) => ({ ${join(members, ", ")} });`;
  return apply(construct(NativeFunction, [join(parameters, ", "), body]), undefined, values);
}

function positionalRows(table) {
  const values = allValues(table);
  const rows = [];
  for (let i = 0; i < table.rowCount; i++) {
    const row = [];
    for (let c = 0; c < values.length; c++) row[c] = values[c][i];
    rows[i] = freeze(row);
  }
  return freeze(rows);
}

function toArquero(table) {
  const entries = [];
  for (let i = 0; i < table.columns.length; i++) {
    entries[i] = [table.columns[i].name, copyValues(valuesOf(table, i))];
  }
  return requireLibrary("arquero").table(entries);
}

function copyValues(values) {
  if (isArray(values)) return copyArray(values);
  const copy = new TYPED_ARRAYS[typedArrayName(values)](typedArrayLength(values));
  typedArraySet(copy, values);
  return copy;
}

function copyArray(array) {
  const copy = [];
  for (let i = 0; i < array.length; i++) copy[i] = array[i];
  return copy;
}

/** For parsed JSON only: no cycles, no getters. */
function freezeDeep(value) {
  if (typeof value !== "object" || value === null || isFrozen(value)) return value;
  const names = keys(value);
  for (let i = 0; i < names.length; i++) freezeDeep(value[names[i]]);
  return freeze(value);
}
