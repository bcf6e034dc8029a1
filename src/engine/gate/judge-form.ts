import type { DuckDBConnection } from "@duckdb/node-api";
import type { Finding } from "#contract/egress.ts";
import { MAX_SQL_CHARACTERS, type Parameters } from "#contract/job.ts";
import type { Visibility } from "#contract/scenario.ts";
import { analyse } from "./analyse.ts";
import { checkClosedWorld, type ReadSet } from "./closed-world.ts";
import { checkConstants } from "./constants.ts";
import { checkFunctionNames } from "./function-names.ts";
import type { GateCatalogue, SafeStatement } from "./ir.ts";
import { bindParameters, type BoundSql } from "./parameters.ts";
import { PlanFormatError, wordAt, type JsonObject } from "./plan-json.ts";
import { readPlan } from "./plan.ts";
import { GateRefusal, refuse, refusalFinding } from "./refusal.ts";
import { checkRows } from "./row-form.ts";
import { outputColumns, planStatement, type OutputColumn } from "./statement.ts";
import { locate } from "./tokens.ts";

export interface GateRequest {
  sql: string;
  parameters: Parameters;
  visibility: Visibility;
  catalogue: GateCatalogue;
}

interface Judged {
  /** The SQL with its parameters as literals. */
  sql: string;
  columns: OutputColumn[];
  read: ReadSet;
  /** Whether the statement orders its rows itself. */
  ordered: boolean;
}

/**
 * safe: judged aggregations and steps over their cells, run from the IR. public: reads no protected table, runs as written. rows: only for scenarios
 * whose scripts may see rows, runs as written and goes to a person; `finding` says why it is not safe.
 */
export type GateDecision =
  | ({ form: "safe"; statement: SafeStatement } & Judged)
  | ({ form: "public" } & Judged)
  | ({ form: "rows"; finding: Finding } & Judged)
  | { form: "refused"; code: "plan_refused" | "query_invalid"; finding: Finding };

export async function judgeForm(planning: DuckDBConnection, request: GateRequest): Promise<GateDecision> {
  let bound: BoundSql = { sql: request.sql, toOriginal: (offset) => offset };
  try {
    bound = bindParameters(request.sql, request.parameters);
    return await judge(planning, request, bound);
  } catch (error) {
    const refusal = asRefusal(error);
    const code = refusal.reason === "query_invalid" ? "query_invalid" : "plan_refused";
    return { form: "refused", code, finding: findingOf(refusal, request.sql, bound) };
  }
}

async function judge(planning: DuckDBConnection, request: GateRequest, bound: BoundSql): Promise<GateDecision> {
  if (bound.sql.length > MAX_SQL_CHARACTERS * 2) refuse("sql_too_long");
  await checkFunctionNames(planning, bound.sql);
  const root = await planStatement(planning, bound.sql);
  const read = checkClosedWorld(root, new Set(request.catalogue.products.keys()), bound.sql);
  await checkConstants(planning, root);
  const columns = await outputColumns(planning, bound.sql);
  const judged: Judged = {
    sql: bound.sql,
    columns,
    read,
    ordered: /^LOGICAL_(ORDER_BY|LIMIT|TOP_N)$/.test(wordAt(root, "type")),
  };
  const statement = safeStatement(root, request.catalogue);
  if (!(statement instanceof GateRefusal)) return { ...judged, form: "safe", statement };
  if (isPublic(read, request.catalogue)) return { ...judged, form: "public" };
  if (request.visibility !== "rows") throw asWritten(statement, bound.sql);
  checkRows(root, request.catalogue);
  const finding = { ...findingOf(statement, request.sql, bound), effect: "review" as const };
  return { ...judged, form: "rows", finding };
}

function safeStatement(root: JsonObject, catalogue: GateCatalogue): SafeStatement | GateRefusal {
  try {
    return analyse(readPlan(root), catalogue);
  } catch (error) {
    return asRefusal(error);
  }
}

/** The binder makes a scalar subquery out of first(), and EXISTS without a key out of LIMIT: say what the developer wrote. */
function asWritten(refusal: GateRefusal, sql: string): GateRefusal {
  const { construct } = refusal.options;
  if (construct === "LIMIT" && locate(sql, "limit") === undefined) {
    const suggestion = "Correlate the subquery by equality of keys";
    return new GateRefusal("subquery_refused", { construct: "EXISTS", suggestion });
  }
  const isOwn = construct !== "first()" || locate(sql, "first", { call: true }) !== undefined;
  return isOwn ? refusal : new GateRefusal("subquery_refused", { construct: "scalar subquery" });
}

/** Tables without subject key hold no protected subjects, as long as they hold no protected columns either. */
function isPublic(read: ReadSet, catalogue: GateCatalogue): boolean {
  return read.products.every((product) => {
    const mounted = catalogue.products.get(product);
    return (
      mounted !== undefined &&
      mounted.subjectKey === undefined &&
      mounted.columns.every(({ role }) => role === "public" || role === "dimension" || role === "measure")
    );
  });
}

/** A plan that does not have the known form is refused like any other unknown; a bug stays a bug. */
function asRefusal(error: unknown): GateRefusal {
  if (error instanceof GateRefusal) return error;
  if (error instanceof PlanFormatError) return new GateRefusal("plan_unavailable");
  throw error;
}

function findingOf(refusal: GateRefusal, sql: string, bound: BoundSql): Finding {
  return refusalFinding(refusal, position(refusal, sql, bound));
}

/** DuckDB counts bytes of the bound text; the developer gets characters of the own text. */
function position(refusal: GateRefusal, sql: string, bound: BoundSql): number | undefined {
  const { at, word } = refusal.options;
  const construct = word ?? refusal.options.construct;
  if (at !== undefined && refusal.code.startsWith("parameter_")) return at;
  if (at !== undefined) return bound.toOriginal(Buffer.from(bound.sql).subarray(0, at).toString("utf8").length);
  if (construct === undefined) return undefined;
  const call = construct.indexOf("(");
  const name = call < 0 ? construct.split(".").at(-1)! : construct.slice(0, call);
  return locate(sql, name, { call: call >= 0 });
}
