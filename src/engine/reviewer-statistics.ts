import type { AggregateEvidence } from "./evidence/index.ts";
import type { SafeQuery } from "./gate/index.ts";

type Aggregate = SafeQuery["aggregates"][number];

const PAIR = [
  "subjects with a pair",
  "fit",
  "fewest off mode",
  "largest share x",
  "largest share y",
  "largest share xy",
];
const QUANTILE = ["subjects", "at most", "at least", "bin in units"];

/** What a reviewer sees beside the usual numbers of quantiles, statistics of two measures and counts of values. */
export function statisticColumns(one: Aggregate): string[] {
  if (one.quantile) return one.quantile.points.flatMap((point) => QUANTILE.map((what) => `q${point} ${what}`));
  if (one.moments) return PAIR;
  return one.kind === "distinct" ? ["fewest per value"] : [];
}

export function statisticCells(one: Aggregate, evidence: AggregateEvidence): unknown[] {
  if (one.quantile) return quantileCells(one.quantile.points.length, evidence);
  if (one.moments) return pairCells(evidence);
  if (one.kind !== "distinct") return [];
  const { fewestPerValue = null } = evidence;
  return [fewestPerValue === Infinity ? null : fewestPerValue];
}

function quantileCells(points: number, { quantiles = [] }: AggregateEvidence): unknown[] {
  return Array.from({ length: points }, (_, j) => quantiles[j]).flatMap((one) =>
    one ? [one.subjects, one.atMost, one.atLeast, one.binUnits ?? null] : QUANTILE.map(() => null),
  );
}

function pairCells({ pair }: AggregateEvidence): unknown[] {
  if (!pair) return PAIR.map(() => null);
  const sums = [pair.xx, pair.yy, pair.xy];
  const shares = sums.map(({ largest, total }) => (total > 0 ? Number((largest[0] / total).toPrecision(4)) : null));
  return [pair.subjects, Number(pair.fit.toPrecision(4)), Math.min(...sums.map((sum) => sum.offMode)), ...shares];
}
