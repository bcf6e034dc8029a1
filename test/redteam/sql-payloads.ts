import type { Outcomes } from "./harness.ts";

const REFUSED: Outcomes = ["plan_refused", "query_invalid"];
/** A plain statement over the developer's own words; it tells nothing. */
const HARMLESS: Outcomes = [...REFUSED, "succeeded"];
const DEEP: Outcomes = [...REFUSED, "memory_limit", "crashed", "timeout", "query_error", "invalid_request"];

const nested = (open: string, core: string, close: string, depth: number) =>
  `${open.repeat(depth)}${core}${close.repeat(depth)}`;

/** Our hostile SQL, by name: its text and what it may end with. */
export const SQL_PAYLOADS: Readonly<Record<string, readonly [sql: string, outcomes: Outcomes]>> = {
  "config-all-settings": ["select name, value from duckdb_settings()", REFUSED],
  "config-version-through-view": ["select * from pragma_version()", REFUSED],
  "config-catalogue": ["select * from information_schema.columns", REFUSED],
  "config-system-tables": ["select * from sqlite_master", REFUSED],
  "config-set-in-cte": ["with a as (select set_config('threads', '8')) select * from a", REFUSED],
  "config-pragma-call": ["call pragma_database_size()", REFUSED],
  "config-two-statements": ["select count(*) as n from people; set threads = 8", REFUSED],
  "config-hidden-second": ["select count(*) as n from people\n;\n/* */ drop table people --", REFUSED],
  "file-bare-name": ["select * from '/etc/passwd'", REFUSED],
  "file-text": ["select content from read_text('/etc/passwd')", REFUSED],
  "file-glob": ["select * from glob('/proc/*/environ')", REFUSED],
  "file-in-scalar": [
    "select count(*) as n from people where name = (select content from read_text('/etc/passwd'))",
    REFUSED,
  ],
  "file-copy-out": ["copy (select count(*) from people) to '/tmp/out.csv'", REFUSED],
  "file-attach": ["attach '/etc/passwd' as stolen", REFUSED],
  "file-install": ["install httpfs", REFUSED],
  "file-load-by-path": ["load '/etc/passwd'", REFUSED],
  "file-own-extension": ["select * from sluice_scan('/etc/passwd')", REFUSED],
  "crash-deep-parentheses": [`select ${nested("(", "1", ")", 10_000)} as x`, DEEP],
  "crash-deep-negation": [`select ${"- ".repeat(12_000)}1 as x`, DEEP],
  "crash-deep-union": [Array.from({ length: 1100 }, () => "select 1 as x").join(" union all "), [...DEEP, "succeeded"]],
  "crash-deep-subquery": [nested("select * from (", "select 1 as x", ") t", 1500), [...DEEP, "succeeded"]],
  "crash-many-ctes": [
    `with a0 as (select 1 as x)${Array.from({ length: 900 }, (_, i) => `, a${i + 1} as (select * from a${i}, a${i})`).join("")} select * from a900`,
    DEEP,
  ],
  "crash-wide-in-list": [
    `select count(*) as n from people where district in (${Array.from({ length: 3500 }, (_, i) => `'${i}'`).join(",")})`,
    [...DEEP, "succeeded"],
  ],
  "crash-odd-characters": ["select '\u202E\uFFFF' as \"\u202E\"", [...HARMLESS, "query_error"]],
  "crash-null-character": ["select 'a\u0000b' as x", ["invalid_request"]],
  "exhaust-range": ["select count(*) as n from range(100000000000)", REFUSED],
  "exhaust-recursion": [
    "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) as n from t",
    REFUSED,
  ],
  "exhaust-cross-join": ["select count(*) as n from people a, people b, people c, people d", REFUSED],
  "exhaust-repeat": ["select length(repeat('x', 2000000000)) as n", REFUSED],
  "exhaust-list": ["select list_sum(generate_series(1, 1000000000)) as n", REFUSED],
  "exhaust-pattern": ["select count(*) as n from people where regexp_matches(name, '(a+)+$')", REFUSED],
  "leak-all": ["from people", REFUSED],
  "leak-row-as-struct": ["select people from people", REFUSED],
  "leak-name-as-key": ["select name, count(*) as n from people group by name", REFUSED],
  "leak-list": ["select list(name) as names from people", REFUSED],
  "leak-first": ["select any_value(name) as name from people", REFUSED],
  "leak-extreme": ["select max(income) as most from people", REFUSED],
  "leak-sample": ["select * from people using sample 1", REFUSED],
  "leak-pivot": ["pivot people on name using count(*)", REFUSED],
  "leak-error": ["select count(*) as n from people where error(name) is null", REFUSED],
  "leak-cast": ["select count(*) as n from people where cast(name as integer) > 0", REFUSED],
  "leak-window": ["select row_number() over (order by income) as r, income from people", REFUSED],
  "leak-hash": ["select bit_xor(hash(name)) as h from people", REFUSED],
  "leak-statistics": ["select stats(income) as s from people limit 1", REFUSED],
  "leak-subject-ordinal": ["select count(distinct sluice_subject) as n from people", REFUSED],
  "leak-serialised-plan": ["select json_serialize_plan('select * from people') as p", REFUSED],
  "write-insert": ["insert into people select * from people", REFUSED],
  "write-temporary": ["create temp table kept as select * from people", REFUSED],
  "write-macro": ["create macro count(x) as 0", REFUSED],
  "write-drop": ["drop view people", REFUSED],
};

/** Payloads from outside by the first three characters of their names, else by the first: their kind. */
export const OTHER_SQL_OUTCOMES: Readonly<Record<string, Outcomes>> = {
  C: REFUSED,
  F: REFUSED,
  K: DEEP,
  L: REFUSED,
  R: [...REFUSED, "timeout", "memory_limit", "crashed"],
  W: REFUSED,
};
