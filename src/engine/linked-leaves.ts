import type { DuckDBConnection } from "@duckdb/node-api";
import type { EgressProfile } from "#contract/profile.ts";
import type { Evidence, Suppression } from "./evidence/index.ts";
import type { Aggregate, SafeQuery } from "./gate/index.ts";
import { readLinkedCells } from "./linked-cells.ts";
import {
  cautiousRule,
  complementRule,
  finestOf,
  keyText,
  linkedForm,
  type LinkedJudgement,
  type LinkedLeaf,
  type RuleOutcome,
} from "./rules/index.ts";
import type { Interval } from "./suppression/index.ts";

/** A leaf that has run: what its own evidence hides, and its table of cells. */
export interface RunLeaf {
  query: SafeQuery;
  table: string;
  evidence: Evidence;
  suppressed: Suppression[];
}

interface LinkedInput {
  leaves: readonly RunLeaf[];
  linked: readonly number[][];
  profile: EgressProfile;
  /** Runs a leaf that the statement does not have, to see what its others give away. */
  runCompanion: (query: SafeQuery) => Promise<RunLeaf>;
}

interface LinkedOutcome {
  outcomes: RuleOutcome[];
  /** Per leaf of the statement. */
  suppressed: Suppression[][];
  /** Per leaf, of cells: how far off their numbers of rows could be. */
  open: OpenCells[];
}
type OpenCells = ReadonlyMap<number, Interval>;

/** R17 over the linked sets of a statement: what is hidden in each leaf once they are seen together. */
export async function judgeLinked(data: DuckDBConnection, input: LinkedInput): Promise<LinkedOutcome> {
  const suppressed = input.leaves.map((one) => one.suppressed);
  const open = input.leaves.map((): OpenCells => new Map());
  const outcomes: RuleOutcome[] = [];
  for (const set of input.linked) {
    const leaves = set.map((leaf): LinkedLeaf & RunLeaf => ({ leaf, ...input.leaves[leaf]! }));
    const judgement = await judgeSet(data, leaves, input);
    outcomes.push(...(judgement?.outcomes ?? []));
    for (const leaf of set) {
      suppressed[leaf] = judgement?.suppressed.get(leaf) ?? suppressed[leaf]!;
      open[leaf] = judgement?.open.get(leaf) ?? open[leaf]!;
    }
  }
  return { outcomes, suppressed, open };
}

async function judgeSet(
  data: DuckDBConnection,
  leaves: readonly (LinkedLeaf & RunLeaf)[],
  { profile, runCompanion }: LinkedInput,
): Promise<LinkedJudgement | undefined> {
  const form = linkedForm(leaves);
  if (form === "none") return undefined;
  if (form === "cautious") return cautiousRule(leaves);
  const all = form === "nested" ? leaves : [...leaves, await companionOf(leaves, runCompanion)];
  const finest = finestOf(all);
  if (finest === undefined) throw new Error("no leaf comprises the others");
  if (all.find(({ leaf }) => leaf === finest)!.evidence.cells.length > MOST_CELLS) return cautiousRule(leaves);
  return complementRule(all, await readLinkedCells(data, { leaves: all, finest }), profile);
}

/** Beyond this the totals are hidden without a search. */
const MOST_CELLS = 20_000;
const COMPANION = -1;

async function companionOf(
  leaves: readonly LinkedLeaf[],
  run: LinkedInput["runCompanion"],
): Promise<LinkedLeaf & RunLeaf> {
  const query = companionQuery(leaves.map((leaf) => leaf.query));
  return { leaf: COMPANION, isCompanion: true, ...(await run(query)) };
}

/** The keys and aggregates of all, over the same rows. */
function companionQuery(queries: readonly SafeQuery[]): SafeQuery {
  const { tables, from, where, subjects } = queries[0]!;
  const keys = new Map(queries.flatMap((query) => query.keys.map((key) => [keyText(key), key])));
  const all = queries.flatMap((query) => query.aggregates.map(withoutWitnesses));
  const aggregates = new Map(all.map((one) => [JSON.stringify(one), one]));
  return {
    tables,
    from,
    where,
    subjects,
    keys: [...keys.values()],
    aggregates: [...aggregates.values()],
    outputs: [],
    having: [],
    order: [],
    offset: 0,
  };
}

/** Their places are those of one leaf. What a witness hides is hidden with it all the same: both read the same measures. */
function withoutWitnesses(aggregate: Aggregate): Aggregate {
  const { witnesses, ...one } = aggregate;
  return witnesses ? one : aggregate;
}
