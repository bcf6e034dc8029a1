import type { ProductSpec } from "#contract/product.ts";

/** The columns that lie in one file; positions in the declaration. */
export interface FileGroup {
  path: string;
  columns: number[];
  /** Mounted nowhere: it holds the real keys, which the rows have besides their declared columns. */
  zone?: "governance";
}

/**
 * Columns that are granted together lie together: public and dimensions, measures, and everything more revealing
 * alone, so that a column that a scenario was not granted is in none of the files that it maps.
 */
export function groupColumns(spec: ProductSpec): FileGroup[] {
  const dimensions: FileGroup = { path: "dimensions.arrow", columns: [] };
  const measures: FileGroup = { path: "measures.arrow", columns: [] };
  const alone: FileGroup[] = [];
  spec.columns.forEach(({ name, role }, i) => {
    if (name === spec.subjectKey) alone.unshift({ path: "subject.arrow", columns: [i] });
    else if (role === "public" || role === "dimension") dimensions.columns.push(i);
    else if (role === "measure") measures.columns.push(i);
    else alone.push({ path: `column-${i}.arrow`, columns: [i] });
  });
  if (spec.subjectKey !== undefined) {
    const key = spec.columns.findIndex(({ name }) => name === spec.subjectKey);
    alone.push({ path: "subject-key.arrow", columns: [key], zone: "governance" });
  }
  return [dimensions, measures, ...alone].filter((group) => group.columns.length > 0);
}
