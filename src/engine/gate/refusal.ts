import type { ReasonCode } from "#contract/job.ts";
import type { Finding } from "#contract/egress.ts";

/** Why the gate refuses a statement. Closed: docs/egress-rules.md lists every code, and a test compares the two. */
export const REFUSALS = {
  // query_invalid: the statement cannot be understood
  sql_too_long: ["G1", "The statement is longer than allowed", "Split the work into several statements"],
  statement_count: ["G1", "Send exactly one statement", "Remove everything after the first statement"],
  statement_not_select: ["G1", "Only SELECT statements run here", "Write the question as one SELECT"],
  syntax_error: ["G1", "The statement is not valid SQL", "Correct the SQL at the marked place"],
  name_not_found: ["G1", "A name is not mounted in this scenario", "Use a table or column of the scenario"],
  types_do_not_fit: ["G1", "The statement does not bind", "Correct the names and types at the marked place"],
  parameter_unknown: [
    "G1",
    "The statement uses a parameter that the job does not give",
    "Add it to the job's parameters",
  ],
  parameter_unused: [
    "G1",
    "The job gives a parameter that the statement does not use",
    "Remove it, or use it as $name",
  ],
  parameter_form: ["G1", "Only named parameters are bound", "Write $name instead of ? or $1"],
  constant_invalid: ["G1", "A constant does not have the form of its type", "Correct the constant"],
  // closed world
  plan_unavailable: [
    "G1",
    "The statement has a form that cannot be planned for review",
    "Write it with SELECT, FROM, WHERE, GROUP BY",
  ],
  table_function_refused: [
    "G1",
    "Table functions and files are not available",
    "Select from the products of the scenario",
  ],
  table_refused: ["G1", "Only the mounted products can be read", "Select from the products of the scenario"],
  operator_refused: [
    "G1",
    "This operation is not on the list that can be judged",
    "Use joins, filters and one GROUP BY",
  ],
  expression_refused: [
    "G1",
    "This expression is not on the list that can be judged",
    "Use comparisons, arithmetic and CASE",
  ],
  function_refused: [
    "G1",
    "This function is not on the list that can be judged",
    "See docs/egress-rules.md for the functions",
  ],
  // the safe form
  rows_not_aggregated: [
    "G2",
    "Rows of protected data cannot leave",
    "Aggregate: SELECT a dimension, count(*), sum(measure) … GROUP BY it",
  ],
  key_refused: [
    "G2",
    "This cannot be a grouping key",
    "Group by dimension columns, or by a generalisation that the product allows",
  ],
  aggregate_refused: ["G2", "This aggregate can show the value of one subject", "Use count, sum or avg"],
  aggregate_not_available: [
    "G2",
    "This aggregate is not among those that are judged automatically",
    "Use count, sum or avg",
  ],
  aggregate_argument_refused: [
    "G2",
    "This argument of an aggregate cannot be judged",
    "Aggregate a measure column, a * measure + b, or CASE WHEN condition THEN measure END",
  ],
  measure_required: [
    "G2",
    "Only measure columns can be summed or averaged",
    "Use a column with the role measure, or count(*)",
  ],
  predicate_identifies: [
    "G2",
    "A condition on an identifying column can single out a subject",
    "Filter by dimension columns or allowed generalisations",
  ],
  predicate_form: ["G2", "This condition cannot be judged", "Write conditions as column compared with constants"],
  predicate_too_complex: [
    "G2",
    "The conditions are too complex to judge",
    "At most 8 alternatives of 8 conditions each",
  ],
  cut_point_unaligned: [
    "G2",
    "This limit is too fine",
    "Compare with round numbers (two significant digits) or whole periods",
  ],
  join_not_allowed: ["G2", "The scenario does not allow this join", "Join on the columns that the agreement names"],
  join_form_refused: ["G2", "Only equality joins can be judged", "Join with ON a.key = b.key as the agreement allows"],
  reentry_refused: [
    "G2",
    "An aggregate cannot steer or join other rows",
    "Ask for the aggregates only, and combine them afterwards",
  ],
  subquery_refused: [
    "G2",
    "This subquery cannot be judged",
    "Write the question as one aggregation over joined tables",
  ],
  unit_refused: [
    "G2",
    "This per-subject query cannot be judged",
    "Group by the subject key, with count, sum, avg, min or max, and conditions in WHERE",
  ],
  grouping_sets_refused: [
    "G2",
    "ROLLUP, CUBE and GROUPING SETS are not judged automatically",
    "Ask for each level in a statement of its own",
  ],
  set_operation_refused: [
    "G2",
    "Set operations over protected rows cannot be judged",
    "Ask for each part in a statement of its own",
  ],
  distinct_refused: ["G2", "DISTINCT cannot be judged here", "Use GROUP BY on dimension columns"],
  window_refused: ["G2", "Window functions are not judged automatically", "Rank the released table afterwards"],
  post_form_refused: [
    "G2",
    "This step over the aggregates cannot be judged",
    "Keep to arithmetic, round, HAVING, ORDER BY and LIMIT",
  ],
  subject_key_output: ["G2", "Subject keys can never be selected", "Use count(DISTINCT subject key), or join on it"],
  subject_key_missing: [
    "G2",
    "The product names no subject key for its protected columns",
    "Ask the operator to declare the subject key",
  ],
} as const satisfies Record<string, readonly [rule: string, message: string, suggestion: string]>;

export type RefusalCode = keyof typeof REFUSALS;

const INVALID: ReadonlySet<RefusalCode> = new Set([
  "sql_too_long",
  "statement_count",
  "statement_not_select",
  "syntax_error",
  "name_not_found",
  "types_do_not_fit",
  "parameter_unknown",
  "parameter_unused",
  "parameter_form",
  "constant_invalid",
] as const);

export interface RefusalOptions {
  construct?: string | undefined;
  /** Offset in the SQL that was planned (bytes, as DuckDB counts); `statement.ts` turns it into the developer's. */
  at?: number | undefined;
  /** Where `at` is not known: a word of the statement to point at, when it is not the construct itself. */
  word?: string | undefined;
  message?: string | undefined;
  suggestion?: string | undefined;
}

/** The gate's "no": a foreseen answer, not a fault. */
export class GateRefusal extends Error {
  readonly code: RefusalCode;
  readonly options: RefusalOptions;

  constructor(code: RefusalCode, options: RefusalOptions = {}) {
    super(options.message ?? REFUSALS[code][1]);
    this.name = "GateRefusal";
    this.code = code;
    this.options = options;
  }

  get reason(): ReasonCode {
    return INVALID.has(this.code) ? "query_invalid" : "plan_refused";
  }
}

export function refuse(code: RefusalCode, options: RefusalOptions = {}): never {
  throw new GateRefusal(code, options);
}

/** The finding that a developer reads; `position` is already an offset in the developer's own text. */
export function refusalFinding(refusal: GateRefusal, position: number | undefined): Finding {
  const [rule, , suggestion] = REFUSALS[refusal.code];
  const { construct } = refusal.options;
  return {
    rule,
    family: refusal.code === "join_not_allowed" ? "authority" : "form",
    code: refusal.code,
    effect: "refuse",
    message: refusal.message,
    suggestion: refusal.options.suggestion ?? suggestion,
    ...(construct === undefined ? {} : { construct: construct.slice(0, 200) }),
    ...(position === undefined ? {} : { position }),
  };
}
