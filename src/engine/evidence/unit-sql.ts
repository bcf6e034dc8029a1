import { isFloating, type Source, type UnitAggregate } from "../gate/index.ts";
import { conditionSql, guarded, rowSql } from "./names.ts";
import { amountSql, REST_SCALE } from "./part.ts";

type Unit = Extract<Source, { kind: "unit" }>;

interface Rows {
  from: string;
  /** For the split test: rows that are read, those that count, and whether a row makes a difference. */
  split?: { kept: string; counts: string | undefined; differs: string };
}

/** One row per subject. Sums of doubles are exact, like those of cells: no order of threads shows in them. */
export function unitSql({ where, keys, aggregates }: Unit, { from, split }: Rows): string {
  const only = split?.counts === undefined ? "" : ` FILTER (${split.counts})`;
  const columns = [
    ...keys.map((key, i) => `${guarded(key)} AS k${i}`),
    ...aggregates.map((one, i) => `${totalSql(one, only)} AS a${i}`),
    ...(split ? [`bool_or(${split.differs}) AS x`] : []),
  ];
  const having = split?.counts === undefined ? "" : ` HAVING bool_or(${split.counts})`;
  const kept = split?.kept ?? (conditionSql(where) || "TRUE");
  return `SELECT ${columns.join(", ")} FROM ${from} WHERE ${kept} GROUP BY ${keys.map((_, i) => i + 1).join(", ")}${having}`;
}

function totalSql({ name, distinct, argument, type }: UnitAggregate, only: string): string {
  if (!argument) return `count(*)${only}`;
  if (name === "count") return `count(${distinct ? "DISTINCT " : ""}${rowSql(argument)})${only}`;
  if (name === "min" || name === "max") return `${name}(${rowSql(argument)})${only}`;
  const amount = amountSql(argument);
  if (!isFloating(argument.type)) return `CAST(${name}(${amount})${only} AS ${type})`;
  const whole = `TRY_CAST(round(CAST(${amount} AS DOUBLE)) AS BIGINT)`;
  const rest = `TRY_CAST((CAST(${amount} AS DOUBLE) - round(CAST(${amount} AS DOUBLE))) * ${REST_SCALE} AS BIGINT)`;
  const sum = `(CAST(sum(${whole})${only} AS DOUBLE) + CAST(sum(${rest})${only} AS DOUBLE) / ${REST_SCALE})`;
  return name === "sum" ? sum : `(${sum} / nullif(count(${whole})${only}, 0))`;
}
