/*
 * Part 7: query results. A result is a deeply frozen array of row objects, so a result handed to `output.table` is
 * certainly untouched and is named by the number of its query.
 */
const queryNumbers = new WeakMap();

/** `text` is the JSON of a `ReleasedTable` (contract/release.ts). */
function makeResult(query, text) {
  const table = parseJson(text);
  const { columns, rows } = table;
  convertRows(rows, converters(columns));
  const result = [];
  for (let i = 0; i < rows.length; i++) result[i] = rowObject(columns, rows[i]);
  defineProperty(result, "columns", { value: freezeDeep(columns) });
  defineProperty(result, "rows", { value: freezeDeep(rows) });
  defineProperty(result, "suppressed", { value: table.suppressed });
  defineProperty(result, "notes", { value: freezeDeep(table.notes) });
  defineProperty(result, "toArray", { value: () => copyArray(result) });
  weakSet(queryNumbers, result, query);
  return freeze(result);
}

function rowObject(columns, values) {
  const row = {};
  for (let i = 0; i < columns.length; i++) {
    const { name } = columns[i];
    if (name === "__proto__") defineProperty(row, name, { value: values[i], enumerable: true });
    else row[name] = values[i];
  }
  return freeze(row);
}

function convertRows(rows, convert) {
  for (let c = 0; c < convert.length; c++) {
    if (convert[c] === undefined) continue;
    for (let i = 0; i < rows.length; i++) rows[i][c] = convert[c](rows[i][c]);
  }
}

function converters(columns) {
  const found = [];
  for (let i = 0; i < columns.length; i++) found[i] = converter(toUpperCase(columns[i].type));
  return found;
}

/** From the JSON form of a column's values to JavaScript, or undefined where they are the same. */
function converter(type) {
  if (stringSlice(type, -2) === "[]") return listConverter(converter(stringSlice(type, 0, -2)));
  if (regExpExec(/^(BIGINT|UBIGINT|HUGEINT|UHUGEINT|INT64|UINT64)$/, type) !== null) return toInteger;
  if (regExpExec(/^(DECIMAL|NUMERIC)\b/, type) !== null) return toDecimal;
  if (regExpExec(/^(DOUBLE|FLOAT|REAL|FLOAT32|FLOAT64)$/, type) !== null) return toDouble;
  return undefined;
}

function listConverter(convert) {
  if (convert === undefined) return undefined;
  return (list) => {
    if (!isArray(list)) return list;
    for (let i = 0; i < list.length; i++) list[i] = convert(list[i]);
    return list;
  };
}

/** A Number where that is exact, a BigInt beyond. */
function toInteger(value) {
  if (typeof value !== "string") return value;
  const number = makeNumber(value);
  return isSafeInteger(number) ? number : makeBigInt(value);
}

/** A Number up to 15 significant digits (each such decimal comes back from a double unchanged), else the string. */
function toDecimal(value) {
  if (typeof value !== "string") return value;
  const digits = regExpExec(/^-?0*([0-9]*)\.?([0-9]*)$/, value);
  return digits !== null && digits[1].length + digits[2].length <= 15 ? makeNumber(value) : value;
}

/** JSON has no NaN and no infinities: they come as text. */
function toDouble(value) {
  return typeof value === "string" ? makeNumber(value) : value;
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
