import type { SafeQuery } from "../gate/index.ts";
import { baseSql, cellColumnsSql, groupBy, leading, list, shapeOf, subjectSql, type Shape } from "./cells-sql.ts";
import type { Named } from "./names.ts";

/**
 * The same table of cells as `exactCellsSql`, in one aggregation over the rows: values exact, evidence by the native
 * functions (`native/aggregate.c`), which bound what the rules ask for and know small cells exactly.
 * `enough`: the most subjects that a rule asks for.
 */
export function boundCellsSql(query: SafeQuery, enough: number): string {
  const shape = shapeOf(query);
  const { keys, classes, parts, hasRegions } = shape;
  const subjects = classes.map((c): Named => [`s${c}`, subjectSql(query, c)]);
  const columns: Named[] = [
    ["row_count", "count(*)"],
    ...parts.flatMap((part) => part.bounds!.cell),
    ...classes.flatMap((c): Named[] => [
      [`d${c}`, `sluice_count_${roomFor(enough + SPARE)}(s${c})`],
      ...parts.map((part, p): Named => [`b${c}_${p}`, part.bounds!.call(`s${c}`, roomOf(part.isMagnitude, enough))]),
      ...(hasRegions ? [[`g${c}`, `sluice_regions(s${c}, CAST(region AS UINTEGER))`] as const] : []),
    ]),
  ];
  const grouped = `SELECT ${leading(keys)}${list(columns)} FROM (${baseSql(shape, subjects)})${groupBy(keys)}`;
  const evidence = list([...parts.flatMap((part) => part.bounds!.derived), ...evidenceOf(shape)]);
  return `WITH grouped AS (${grouped}),
e0 AS (SELECT *, ${evidence} FROM grouped)
${cellColumnsSql(shape, "e0", knownOf(shape))}`;
}

/** Cells of so many subjects more than enough are counted exactly without further ado. */
const SPARE = 6;
/** Kept subjects per subject that a rule asks for: some contribute the same. */
const SAMPLED = 1.4;

function roomOf(isMagnitude: boolean, enough: number): number {
  return roomFor(isMagnitude ? SAMPLED * (enough + 1) : enough + SPARE);
}

function roomFor(subjects: number): number {
  return [16, 32].find((room) => room >= subjects) ?? 64;
}

/** Whether the subjects of all classes are counted, and whether all evidence is exact. */
function knownOf({ classes, parts, hasRegions }: Shape): Named[] {
  const counted = classes.map((c) => `d${c}.complete`);
  const others = classes.flatMap((c) => [
    ...parts.map((_, p) => `b${c}_${p}.complete`),
    ...(hasRegions ? [`g${c}.complete`] : []),
  ]);
  return [
    ["counted", counted.join(" AND ")],
    ["complete", [...counted, ...others].join(" AND ")],
  ];
}

function evidenceOf({ classes, parts, hasRegions }: Shape): Named[] {
  return classes.flatMap((c) => [
    [`subjects${c}`, `d${c}.subjects`] as const,
    ...parts.flatMap((part, p): Named[] => {
      const [own, at] = [`b${c}_${p}`, `${c}_${p}`];
      return [
        [`nonnull${at}`, `${own}.subjects`],
        [`nonneutral${at}`, `${own}.nonneutral`],
        ...["total", "first", "second"].map((what): Named => [`${what}${at}`, `${own}.${what} / ${part.bounds!.unit}`]),
        ...(part.isMagnitude ? [[`off${at}`, `${own}.off`] as const] : []),
      ];
    }),
    ...(hasRegions ? [[`region${c}`, `CASE WHEN NOT g${c}.lost THEN g${c}.list END`] as const] : []),
  ]);
}
