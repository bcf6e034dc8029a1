/** Closed lists of functions. Nothing outside them runs, in either form. */

/** Pure scalar functions that may be applied to dimension and public columns, and to released cells. */
export const SCALAR_FUNCTIONS: ReadonlySet<string> = new Set([
  "+", "-", "*", "/", "//", "%", "||", "abs", "ceil", "ceiling", "floor", "round", "trunc", "sign", "least", "greatest",
  "year", "quarter", "month", "day", "hour", "minute", "week", "weekofyear", "yearweek", "dayofweek", "weekday", "isodow",
  "dayofyear", "decade", "century", "date_part", "datepart", "date_trunc", "datetrunc", "date_diff", "datediff",
  "monthname", "dayname", "last_day", "strftime", "make_date",
  "left", "right", "substring", "substr", "array_slice", "lower", "upper", "lcase", "ucase", "trim", "ltrim", "rtrim",
  "length", "len", "strlen", "replace", "concat", "starts_with", "^@", "prefix", "suffix", "ends_with",
  "contains", "~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape",
  "split_part", "strpos", "instr", "sqrt", "ln", "log10", "log", "exp", "pow", "power", "**", "^",
]);

/** Further functions that run only where rows may be seen, or over public tables. */
export const ROW_FUNCTIONS: ReadonlySet<string> = new Set([
  ...SCALAR_FUNCTIONS,
  "date_add", "date_sub", "datesub", "age", "epoch", "epoch_ms", "to_years", "to_months", "to_days", "to_hours",
  "to_minutes", "to_seconds", "strptime", "try_strptime", "make_timestamp", "isnan", "isinf", "isfinite", "sin", "cos", "tan",
  "asin", "acos", "atan", "atan2", "radians", "degrees", "pi", "log2", "cbrt", "even", "gcd", "lcm", "regexp_matches",
  "regexp_extract", "regexp_replace", "regexp_full_match", "list_value", "list_contains", "list_extract", "array_extract",
  "struct_pack", "struct_extract", "row", "string_split", "str_split", "reverse", "initcap", "ascii", "chr", "levenshtein",
  "jaccard", "constant_or_null", "nullif", "ifnull", "row_number", "rank", "dense_rank", "lag", "lead", "first_value",
  "last_value", "ntile", "percent_rank", "cume_dist",
]);

/** Aggregates that may run at all. Which of them may be released is decided in `aggregates.ts`. */
export const ROW_AGGREGATES: ReadonlySet<string> = new Set([
  "count", "count_star", "count_if", "countif", "sum", "sum_no_overflow", "avg", "mean", "min", "max", "median", "mode",
  "quantile", "quantile_cont", "quantile_disc", "stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop",
  "skewness", "kurtosis", "covar_samp", "covar_pop", "corr", "regr_slope", "regr_intercept", "regr_r2", "regr_count",
  "regr_avgx", "regr_avgy", "regr_sxx", "regr_syy", "regr_sxy", "first", "last", "any_value", "arg_min", "arg_max",
  "min_by", "max_by", "bool_and", "bool_or", "string_agg", "list", "array_agg", "kahan_sum", "fsum", "sumkahan", "favg",
  "approx_count_distinct", "product", "mad", "sem", "entropy", "histogram",
]);

/** Class C: the value itself can be one subject's. What is said instead. */
export const ONE_SUBJECT_AGGREGATES: Readonly<Record<string, string>> = {
  min: "Use avg(), or count(*) FILTER over aligned classes",
  max: "Use avg(), or count(*) FILTER over aligned classes",
  arg_min: "Use avg() per group",
  arg_max: "Use avg() per group",
  min_by: "Use avg() per group",
  max_by: "Use avg() per group",
  first: "Group by the column instead, when it is a dimension",
  last: "Group by the column instead, when it is a dimension",
  any_value: "Group by the column instead, when it is a dimension",
  arbitrary: "Group by the column instead, when it is a dimension",
  mode: "Group by the column and count, when it is a dimension",
  list: "Aggregate with count, sum or avg",
  array_agg: "Aggregate with count, sum or avg",
  string_agg: "Aggregate with count, sum or avg",
  group_concat: "Aggregate with count, sum or avg",
  histogram: "Group by a dimension and count",
  approx_top_k: "Group by a dimension and count",
  reservoir_quantile: "Use avg()",
  bit_and: "Use count(*) FILTER (WHERE …)",
  bit_or: "Use count(*) FILTER (WHERE …)",
  bit_xor: "Use count(*) FILTER (WHERE …)",
  product: "Use sum or avg",
  entropy: "Group by a dimension and count",
  bool_and: "Use count(*) FILTER (WHERE …)",
  bool_or: "Use count(*) FILTER (WHERE …)",
};
