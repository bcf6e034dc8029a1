import type { Parameters } from "#contract/job.ts";
import { refuse } from "./refusal.ts";
import { tokenize } from "./tokens.ts";

export interface BoundSql {
  sql: string;
  /** Offset in the developer's text of an offset (in UTF-16 units) in `sql`. */
  toOriginal(offset: number): number;
}

interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Puts a job's parameters into its SQL as literals, so that the plan gate sees the constants that will run.
 * `$name` is replaced only where SQL has a parameter: not in strings, quoted names, comments or dollar quotes.
 */
export function bindParameters(sql: string, parameters: Parameters): BoundSql {
  const used = new Set<string>();
  const edits: Edit[] = [];
  for (const token of tokenize(sql)) {
    if (token.kind !== "parameter") continue;
    if (!/^[A-Za-z_]/.test(token.text)) refuse("parameter_form", { at: token.start, construct: token.text });
    if (!Object.hasOwn(parameters, token.text)) {
      refuse("parameter_unknown", { at: token.start, construct: `$${token.text}` });
    }
    used.add(token.text);
    edits.push({ start: token.start, end: token.end, text: literal(parameters[token.text]!) });
  }
  const unused = Object.keys(parameters).find((name) => !used.has(name));
  if (unused !== undefined) refuse("parameter_unused", { construct: `$${unused}` });
  return applyEdits(sql, edits);
}

/** A literal in parentheses or quotes, so that what stands beside it cannot change its meaning. */
function literal(value: Parameters[string]): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "number") return numberLiteral(value);
  if (value.includes("\0")) refuse("constant_invalid");
  return `'${value.replaceAll("'", "''")}'`;
}

function numberLiteral(value: number): string {
  if (!Number.isFinite(value)) refuse("constant_invalid");
  const text = Number.isInteger(value) && Math.abs(value) < 1e21 ? value.toFixed(0) : String(value);
  return value < 0 || Object.is(value, -0) ? `(${text})` : text;
}

function applyEdits(sql: string, edits: readonly Edit[]): BoundSql {
  let text = "";
  let at = 0;
  const places: { from: number; length: number; original: number }[] = [];
  for (const edit of edits) {
    text += sql.slice(at, edit.start);
    places.push({ from: text.length, length: edit.text.length, original: edit.start });
    text += edit.text;
    at = edit.end;
  }
  text += sql.slice(at);
  const toOriginal = (offset: number): number => {
    let shift = 0;
    for (const [i, place] of places.entries()) {
      if (offset < place.from) break;
      if (offset < place.from + place.length) return place.original;
      shift = edits[i]!.end - (place.from + place.length);
    }
    return offset + shift;
  };
  return { sql: text, toOriginal };
}
