import { renderTable } from "../../../src/engine/render/index.ts";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EngineQuery } from "#contract/engine.ts";
import type { EgressProfile } from "#contract/profile.ts";
import type { Visibility } from "#contract/scenario.ts";
import { EngineSession } from "#engine/index.ts";
import { createEmpty, createTown, JOINS, PRODUCTS } from "../gate/town.ts";
import { NOISE_KEY, PROFILE } from "./profile.ts";

export interface TownOptions {
  visibility?: Visibility;
  threads?: number;
  threadsAlone?: number;
  products?: typeof PRODUCTS;
  joins?: typeof JOINS;
  /** Also done in every instance. */
  also?: string | undefined;
  /** Is given the connections on which statements run. */
  onData?(connection: DuckDBConnection): unknown;
  people?: number;
  /** Changes to the data after it is made. */
  change?: string;
}

export async function openTown(options: TownOptions = {}): Promise<EngineSession> {
  const { visibility = "aggregates", threads = 2, threadsAlone, people = 2000, change, also, onData } = options;
  const open = {
    op: "open",
    id: 1,
    scenario: "town",
    visibility,
    products: options.products ?? PRODUCTS,
    joins: options.joins ?? JOINS,
    threads,
    ...(threadsAlone === undefined ? {} : { threadsAlone }),
    memoryBytes: 1 << 29,
  } as const;
  return EngineSession.open(open, async (connection: DuckDBConnection, _open, { empty }) => {
    await (empty ? createEmpty(connection) : createTown(connection, people));
    if (also !== undefined) await connection.run(also);
    if (empty) return;
    if (change !== undefined) await connection.run(change);
    onData?.(connection);
  });
}

export function ask(sql: string, profile: EgressProfile = PROFILE, more: Partial<EngineQuery> = {}): EngineQuery {
  return {
    op: "query",
    id: 1,
    statement: 1,
    sql,
    parameters: {},
    profile,
    noiseKey: NOISE_KEY,
    validateOnly: false,
    maxRows: 10_000,
    maxBytes: 1 << 24,
    ...more,
  };
}

/** k = 1 and no dominance: nothing is suppressed, so that values can be compared. */
export const NO_LIMITS: EgressProfile = {
  ...PROFILE,
  minSubjects: { value: 0, basis: "test" },
  pPercent: { value: 0, basis: "test" },
  dominanceTwo: { value: 2, basis: "test" },
  dominanceOneReview: { value: 2, basis: "test" },
  dominanceTwoReview: { value: 2, basis: "test" },
  modelFreedom: { value: 0, basis: "test" },
  modelFit: { value: 2, basis: "test" },
  groupShare: { value: 2, basis: "test" },
  concentrationReview: { value: 2, basis: "test" },
};

/** The rows that a script would see: of what may leave, or of all where nothing may. */
export function rowsOf([computed, released]: readonly Uint8Array[]): unknown[][] {
  const seen = released!.byteLength > 0 ? released! : computed!;
  const json = renderTable(seen, { format: "json", suppressed: 0, notes: [] });
  return (JSON.parse(Buffer.from(json).toString("utf8")) as { rows: unknown[][] }).rows;
}
