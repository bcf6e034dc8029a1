import { StatementType, type DuckDBConnection, type DuckDBPreparedStatement } from "@duckdb/node-api";
import { isObject, parseExactJson, PlanFormatError, wordAt, type JsonObject } from "./plan-json.ts";
import { GateRefusal, refuse, type RefusalCode } from "./refusal.ts";

export interface OutputColumn {
  name: string;
  type: string;
}
// skip_empty must stay false: with it ROLLUP's empty grouping set is dropped and the plan looks like a plain GROUP BY.
const SERIALIZE =
  "SELECT json_serialize_plan($1::VARCHAR, optimize := false, skip_null := true, skip_empty := false)::VARCHAR";

/** Statements that the serialiser plans although they are no SELECT. */
const NOT_A_QUESTION =
  /^LOGICAL_(COPY|CREATE|DROP|INSERT|UPDATE|DELETE|MERGE|ALTER|ATTACH|DETACH|SET|RESET|LOAD|VACUUM|EXPORT|EXECUTE|PREPARE|TRANSACTION|PRAGMA|UPDATE_EXTENSIONS|CREATE_SECRET)/;

/** The bound plan of exactly one SELECT, made on a connection that holds the same tables empty. */
export async function planStatement(planning: DuckDBConnection, sql: string): Promise<JsonObject> {
  const answer = await serialize(planning, sql);
  if (answer["error"] !== false) return refuseBinding(answer, sql);
  const plans = answer["plans"];
  const [root, ...more] = Array.isArray(plans) ? plans : [];
  if (more.length > 0) return refuse("statement_count");
  if (root === undefined) return refuse("statement_count");
  if (!isObject(root)) return refuse("plan_unavailable");
  if (NOT_A_QUESTION.test(wordAt(root, "type"))) return refuse("statement_not_select");
  return root;
}

async function serialize(planning: DuckDBConnection, sql: string): Promise<JsonObject> {
  const text = await planText(planning, sql).catch(() => refuse("plan_unavailable"));
  const answer = typeof text === "string" ? parseExactJson(text) : undefined;
  if (!isObject(answer)) throw new PlanFormatError("the plan is not an object");
  return answer;
}

const BINDING: Readonly<Record<string, RefusalCode>> = {
  parser: "syntax_error",
  syntax: "syntax_error",
  catalog: "name_not_found",
  binder: "types_do_not_fit",
};

/** The serialiser, prepared once for each connection: that halves its time. */
const serializers = new WeakMap<DuckDBConnection, Promise<DuckDBPreparedStatement>>();

async function planText(planning: DuckDBConnection, sql: string): Promise<unknown> {
  const known = serializers.get(planning) ?? planning.prepare(SERIALIZE);
  serializers.set(planning, known);
  const serializer = await known;
  serializer.bindVarchar(1, sql);
  return (await serializer.runAndReadAll()).getRows()[0]?.[0];
}

/** The planning connection holds no data, so its text can only repeat the developer's own words and mounted names. */
function refuseBinding(answer: JsonObject, sql: string): never {
  const kind = wordAt(answer, "error_type");
  const full = wordAt(answer, "error_message");
  if (full.startsWith("Only SELECT statements")) refuse("statement_not_select");
  const subtype = answer["error_subtype"];
  const code = subtype === "COLUMN_NOT_FOUND" ? "name_not_found" : (BINDING[kind] ?? "plan_unavailable");
  if (code === "plan_unavailable") refuse(code);
  const place = typeof answer["position"] === "string" ? Number(answer["position"]) : undefined;
  // The parser counts characters, the binder bytes.
  const at = kind === "parser" && place !== undefined ? Buffer.byteLength(sql.slice(0, place)) : place;
  const construct = typeof answer["name"] === "string" ? answer["name"] : undefined;
  throw new GateRefusal(code, { at, construct, message: oneLine(full) });
}

function oneLine(text: string): string {
  return text.split("\n\n")[0]!.replaceAll(/\s+/g, " ").slice(0, 300);
}

/**
 * Names and types of the result. Preparing optimises, and so computes constant expressions: only for statements that the
 * closed world has passed, or a developer could make the planner work for hours.
 */
export async function outputColumns(planning: DuckDBConnection, sql: string): Promise<OutputColumn[]> {
  const prepared = await planning.prepare(sql).catch(() => refuse("plan_unavailable"));
  try {
    if (prepared.statementType !== StatementType.SELECT) refuse("statement_not_select");
    if (prepared.parameterCount > 0) refuse("parameter_form");
    return Array.from({ length: prepared.columnCount }, (_, i) => ({
      name: prepared.columnName(i),
      type: String(prepared.columnType(i)),
    }));
  } finally {
    prepared.destroySync();
  }
}
