/*
 * Part 14: rows of a script as `{ columns, rows }`. Cells are null, booleans, finite numbers, strings; a BigInt and
 * a Date become text and name their type in the column.
 */
function tableText(name, value, limits) {
  const given = tableParts(name, value);
  const names = given.columns === undefined ? namesOf(given.rows) : columnNames(given.columns);
  const byPosition = given.columns === undefined ? isArray(given.rows[0]) : undefined;
  const context = { output: name, names, byPosition, types: [], left: limits.outputBytes, limits };
  const rows = [];
  for (let i = 0; i < given.rows.length; i++) rows[i] = rowCells(context, given.rows[i], i);
  return jsonText(name, { columns: describeColumns(names, given.columns, context.types), rows });
}

function tableParts(name, value) {
  if (isArray(value)) {
    if (value.length === 0) throw invalid(`Output ${name} has no rows: name its columns with { columns, rows }`);
    return { columns: undefined, rows: value };
  }
  if (!isObject(value) || !isArray(value.rows) || !isArray(value.columns)) {
    throw invalid(`Output ${name} is neither rows nor { columns, rows }`);
  }
  return { columns: value.columns, rows: value.rows };
}

/** Keys of all rows in order of first sight; the columns of rows that are arrays are numbered. */
function namesOf(rows) {
  return isArray(rows[0]) ? numberedNames(rows[0].length) : objectKeys(rows);
}

function numberedNames(count) {
  const names = [];
  for (let i = 0; i < count; i++) names[i] = `column${i + 1}`;
  return names;
}

function objectKeys(rows) {
  const seen = new NativeSet();
  const names = [];
  for (let i = 0; i < rows.length; i++) {
    const own = isObject(rows[i]) ? keys(rows[i]) : [];
    for (let k = 0; k < own.length; k++) {
      if (setHas(seen, own[k])) continue;
      setAdd(seen, own[k]);
      names[names.length] = own[k];
    }
  }
  return names;
}

function columnNames(columns) {
  const names = [];
  for (let i = 0; i < columns.length; i++) names[i] = isObject(columns[i]) ? columns[i].name : columns[i];
  return names;
}

function rowCells(context, row, index) {
  const { names, output } = context;
  const byPosition = isArray(row);
  const fits = byPosition ? row.length === names.length : isObject(row);
  if (!fits || (context.byPosition !== undefined && context.byPosition !== byPosition)) {
    throw invalid(`Row ${index + 1} of output ${output} does not have the form of the others`);
  }
  const cells = [];
  for (let c = 0; c < names.length; c++) {
    cells[c] = cellValue(context, byPosition ? row[c] : ownValue(row, names[c]), [index, c]);
  }
  if (context.left < 0) throw tooLarge(context.limits);
  return cells;
}

/** A row without the member has no value there, whatever its prototype says. */
function ownValue(row, name) {
  return hasOwn(row, name) ? row[name] : null;
}

function cellValue(context, value, place) {
  context.left -= typeof value === "string" ? value.length + 2 : 2;
  if (value === null || value === undefined) return null;
  const type = cellType(value);
  if (type === undefined) {
    throw invalid(`Row ${place[0] + 1}, column ${place[1] + 1} of output ${context.output} is no value of a table`);
  }
  sawType(context.types, place[1], type);
  if (typeof value === "bigint") return `${value}`;
  return type === "TIMESTAMP" ? dateToIso(value) : value;
}

/** "" for a value whose type the engine finds, undefined for what is no value of a table. */
function cellType(value) {
  if (typeof value === "boolean" || typeof value === "string") return "";
  if (typeof value === "bigint") return bigintType(value);
  if (typeof value === "number") return isSafeInteger(value) ? "INTEGER" : isFiniteNumber(value) ? "" : undefined;
  const time = isObject(value) ? tryTo(dateGetTime, value) : undefined;
  return time !== undefined && isFiniteNumber(time) ? "TIMESTAMP" : undefined;
}

function bigintType(value) {
  return value >= -0x8000_0000_0000_0000n && value <= 0x7fff_ffff_ffff_ffffn ? "BIGINT" : "HUGEINT";
}

/** A column has a type of its own only where all its values agree; integers agree on the widest. */
function sawType(types, column, type) {
  const before = types[column];
  types[column] = before === undefined || before === type ? type : widest(before, type);
}

function widest(one, other) {
  if (one === "" || other === "" || one === "TIMESTAMP" || other === "TIMESTAMP") return "";
  return one === "HUGEINT" || other === "HUGEINT" ? "HUGEINT" : "BIGINT";
}

function describeColumns(names, given, types) {
  const seen = new NativeSet();
  const columns = [];
  for (let i = 0; i < names.length; i++) {
    checkColumnName(names[i], seen);
    const type = given === undefined ? undefined : givenType(given[i]);
    columns[i] = describeColumn(names[i], type === undefined ? types[i] : type);
  }
  if (columns.length === 0) throw invalid("A table has at least one column");
  return columns;
}

function checkColumnName(name, seen) {
  if (typeof name !== "string" || name === "" || name.length > 128 || setHas(seen, name)) {
    throw invalid("The columns of a table have different names of 1 to 128 characters");
  }
  setAdd(seen, name);
}

function givenType(column) {
  return isObject(column) && typeof column.type === "string" ? column.type : undefined;
}

/** Plain numbers and texts need no type: the engine finds it. */
function describeColumn(name, type) {
  return type === undefined || type === "" || type === "INTEGER" ? { name } : { name, type };
}
