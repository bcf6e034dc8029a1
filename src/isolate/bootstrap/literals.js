/*
 * Part 6: SQL text out of a tagged template. A value becomes a literal and can become nothing else; `sql.identifier`
 * quotes a name.
 */
const identifiers = new WeakMap();

function makeIdentifier(name) {
  if (typeof name !== "string" || name === "" || name.length > 128) {
    throw new NativeTypeError("sql.identifier takes a name of 1 to 128 characters");
  }
  const token = freeze({ __proto__: null });
  weakSet(identifiers, token, `"${doubled(plainText(name), '"')}"`);
  return token;
}

function sqlText(first, values) {
  if (typeof first === "string" && values.length === 0) return plainText(first);
  if (!isArray(first) || !isArray(first.raw)) {
    throw new NativeTypeError("sql takes a template, sql`select …`, or one text");
  }
  let text = "";
  for (let i = 0; i < first.length; i++) {
    if (typeof first[i] !== "string") throw new NativeTypeError("the SQL template has an invalid escape sequence");
    text += plainText(first[i]);
    if (i < values.length) text = withToken(text, sqlLiteral(values[i]));
  }
  return text;
}

/** A blank in front wherever the literal could melt with what stands before it: `E${"x"}`, `-${5}`, `${"a"}${"b"}`. */
function withToken(text, token) {
  const last = text === "" ? " " : text[text.length - 1];
  return stringIndexOf(" (,\n\t", last) >= 0 ? text + token : `${text} ${token}`;
}

function sqlLiteral(value) {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "string") return `'${doubled(plainText(value), "'")}'`;
  if (typeof value === "bigint") return value < 0n ? `(${value})` : `${value}`;
  if (typeof value === "number") return numberLiteral(value);
  if (typeof value === "object") return objectLiteral(value);
  throw new NativeTypeError(`a value of type ${typeof value} cannot stand in SQL`);
}

function numberLiteral(value) {
  if (!isFiniteNumber(value)) throw new NativeTypeError("NaN and infinities cannot stand in SQL");
  return value < 0 ? `(${value})` : `${value}`;
}

function objectLiteral(value) {
  const identifier = weakGet(identifiers, value);
  if (identifier !== undefined) return identifier;
  const time = tryTo(dateGetTime, value);
  if (time === undefined) throw new NativeTypeError("an object or array cannot stand in SQL");
  const iso = isFiniteNumber(time) ? dateToIso(value) : "";
  if (iso.length !== 24) throw new NativeTypeError("a Date in SQL must be valid and of the years 0 to 9999");
  return `TIMESTAMP '${stringSlice(iso, 0, 10)} ${stringSlice(iso, 11, 23)}'`;
}

/** Text that reaches the SQL parser as it stands here: no NUL (it would end the text), no half characters. */
function plainText(text) {
  if (stringIndexOf(text, "\0") >= 0) throw new NativeTypeError("text in SQL must not contain a NUL character");
  if (!stringIsWellFormed(text)) throw new NativeTypeError("text in SQL must be well-formed Unicode");
  return text;
}
