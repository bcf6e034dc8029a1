/** A small SQL tokenizer: enough to know what is code and what is a string, quoted name or comment. */
export interface Token {
  kind: "word" | "quoted" | "string" | "parameter" | "symbol";
  /** Text without quotes for `quoted`; the name for `parameter`; as written else. */
  text: string;
  start: number;
  end: number;
}

const PATTERNS: readonly [Token["kind"] | "skip", RegExp][] = [
  ["skip", /\s+|--[^\n]*/y],
  ["string", /[eE]'(?:[^'\\]|\\[\s\S]|'')*'/y],
  ["string", /'(?:[^']|'')*'/y],
  ["quoted", /"(?:[^"]|"")*"/y],
  ["string", /\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?\$\1\$/y],
  ["parameter", /\$[A-Za-z0-9_]+|\?/y],
  ["word", /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ["word", /[0-9](?:[\w.]|(?<=[eE])[+-])*/y],
  ["symbol", /[\s\S]/y],
];

export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const comment = sql.startsWith("/*", at) ? commentEnd(sql, at) : at;
    if (comment > at) {
      at = comment;
      continue;
    }
    const [kind, end] = match(sql, at);
    if (kind !== "skip") tokens.push({ kind, text: plainText(kind, sql.slice(at, end)), start: at, end });
    at = end;
  }
  return tokens;
}

/** Block comments nest in DuckDB, as in PostgreSQL. An open comment reaches to the end. */
function commentEnd(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length;) {
    if (sql.startsWith("/*", at)) depth += 1;
    else if (sql.startsWith("*/", at)) depth -= 1;
    else {
      at += 1;
      continue;
    }
    at += 2;
    if (depth === 0) return at;
  }
  return sql.length;
}

function match(sql: string, at: number): [Token["kind"] | "skip", number] {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    if (pattern.test(sql)) return [kind, pattern.lastIndex];
  }
  return ["symbol", at + 1];
}

function plainText(kind: Token["kind"], text: string): string {
  if (kind === "quoted") return text.slice(1, -1).replaceAll('""', '"');
  if (kind === "parameter") return text.startsWith("$") ? text.slice(1) : text;
  return text;
}

/** Where a function call or name first stands in the text; for constructs whose place the plan does not tell. */
export function locate(sql: string, name: string, options: { call?: boolean } = {}): number | undefined {
  const tokens = tokenize(sql);
  const wanted = name.toLowerCase();
  const index = tokens.findIndex((token, i) => {
    if (token.kind !== "word" && token.kind !== "quoted") return false;
    if (token.text.toLowerCase() !== wanted) return false;
    return !options.call || tokens[i + 1]?.text === "(";
  });
  return index < 0 ? undefined : tokens[index]!.start;
}
