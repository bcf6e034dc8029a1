import { GRADES } from "#contract/common.ts";
import type { MountedProduct } from "#contract/engine.ts";

interface ReadColumn {
  product: string;
  column: string;
}

/** The highest grade among the columns that a statement reads; a statement that reads none has the lowest. */
export function maxGradeOf(products: ReadonlyMap<string, MountedProduct>, read: readonly ReadColumn[]): string {
  const order: readonly string[] = GRADES;
  return read
    .map(({ product, column }) => products.get(product)?.columns.find((one) => one.name === column)?.grade ?? "unknown")
    .reduce<string>(
      (highest, grade) => (order.indexOf(grade) < 0 || order.indexOf(grade) > order.indexOf(highest) ? grade : highest),
      "L1",
    );
}
