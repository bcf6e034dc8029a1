import type { DuckDBConnection } from "@duckdb/node-api";
import type { EgressProfile } from "#contract/profile.ts";
import type { Evidence, Suppression } from "./evidence/index.ts";
import type { SafeQuery } from "./gate/index.ts";
import { readLinkedCells } from "./linked-cells.ts";
import {
  cautiousRule,
  complementRule,
  finestOf,
  linkedForm,
  type LinkedJudgement,
  type LinkedLeaf,
  type RuleOutcome,
} from "./rules/index.ts";

/** A leaf that has run: what its own evidence hides, and its table of cells. */
export interface RunLeaf {
  query: SafeQuery;
  table: string;
  evidence: Evidence;
  suppressed: Suppression[];
}

/** R17 over the linked sets of a statement: what is hidden in each leaf once they are seen together. */
export async function judgeLinked(
  data: DuckDBConnection,
  input: { leaves: readonly RunLeaf[]; linked: readonly number[][]; profile: EgressProfile },
): Promise<{ outcomes: RuleOutcome[]; suppressed: Suppression[][] }> {
  const suppressed = input.leaves.map((one) => one.suppressed);
  const outcomes: RuleOutcome[] = [];
  for (const set of input.linked) {
    const leaves = set.map((leaf): LinkedLeaf & RunLeaf => ({ leaf, ...input.leaves[leaf]! }));
    const judgement = await judgeSet(data, leaves, input.profile);
    outcomes.push(...(judgement?.outcomes ?? []));
    for (const [leaf, hidden] of judgement?.suppressed ?? []) suppressed[leaf] = hidden;
  }
  return { outcomes, suppressed };
}

async function judgeSet(
  data: DuckDBConnection,
  leaves: readonly (LinkedLeaf & RunLeaf)[],
  profile: EgressProfile,
): Promise<LinkedJudgement | undefined> {
  const form = linkedForm(leaves);
  if (form === "none") return undefined;
  const finest = finestOf(leaves);
  if (form === "cautious" || finest === undefined) return cautiousRule(leaves);
  return complementRule(leaves, await readLinkedCells(data, { leaves, finest }), profile);
}
