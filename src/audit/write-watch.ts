import type { KyselyPlugin, PluginTransformQueryArgs, PluginTransformResultArgs } from "kysely";
import type { Transaction } from "#persistence/index.ts";

/** A transaction of which it is known whether rows were inserted, changed or deleted in it. */
export interface WatchedTransaction {
  tx: Transaction;
  hasWritten(): boolean;
}

/**
 * Counts affected rows, statement by statement. The database's own sign (a transaction number is assigned) will
 * not do: locking a row, only to find that nothing is to be done, assigns one too.
 */
export function watchWrites(tx: Transaction): WatchedTransaction {
  let written = false;
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      if (writesInCte(node)) written = true;
      return node;
    },
    transformResult: async ({ result }: PluginTransformResultArgs) => {
      if ((result.numAffectedRows ?? 0n) > 0n) written = true;
      return result;
    },
  };
  return { tx: tx.withPlugin(plugin), hasWritten: () => written };
}

/** `with changed as (update … returning …) select …` answers as a SELECT, so it counts as a write in any case. */
function writesInCte(node: PluginTransformQueryArgs["node"]): boolean {
  if (node.kind !== "SelectQueryNode") return false;
  return node.with?.expressions.some(({ expression }) => expression.kind !== "SelectQueryNode") ?? false;
}
