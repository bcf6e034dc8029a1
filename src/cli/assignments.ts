import { usageError } from "./cli-error.ts";

export type Scalar = string | number | boolean | null;

/**
 * `name=value` pairs. A value that is exactly a JSON number, `true`, `false` or `null` is one; everything else is
 * text as it stands (`007` stays text), and quotes make text of what would be a number (`code="330302"`).
 */
export function parseAssignments(flag: string, pairs: readonly string[]): Record<string, Scalar> {
  const values: Record<string, Scalar> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    if (at < 1 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw usageError(`${flag} takes name=value`);
    if (Object.hasOwn(values, name)) throw usageError(`${flag} ${name} is given twice`);
    values[name] = parseScalar(pair.slice(at + 1));
  }
  return values;
}

function parseScalar(text: string): Scalar {
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  if (/^".*"$/s.test(text)) return quoted(text);
  const number = Number(text);
  return text !== "" && String(number) === text && Number.isFinite(number) ? number : text;
}

function quoted(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}
