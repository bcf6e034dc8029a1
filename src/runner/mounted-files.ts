import { resolve, sep } from "node:path";
import type { MountedProduct } from "#contract/engine.ts";
import { AppError } from "#kernel/errors.ts";

/**
 * The files that hold the granted columns of these products: all of the data that an engine's process gets to see.
 * INVARIANT: never a file of the governance zone. Throws `product_unavailable` for a path that leaves its version.
 */
export function mountedFiles(products: readonly MountedProduct[]): string[] {
  return products.flatMap(({ directory, columns, files }) => {
    const granted = new Set(columns.map(({ name }) => name));
    const wanted = files.filter((file) => file.zone === undefined && file.columns.some((name) => granted.has(name)));
    return wanted.map((file) => pathInside(resolve(directory), file.path));
  });
}

function pathInside(directory: string, name: string): string {
  const path = resolve(directory, name);
  if (!path.startsWith(directory + sep)) throw new AppError("product_unavailable");
  return path;
}
