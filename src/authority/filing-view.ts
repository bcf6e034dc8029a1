import type { FilingState, FilingView } from "#contract/scenario.ts";
import { type PageOf, pageOf, type PageRequest } from "#kernel/page.ts";
import type { Database, Transaction } from "#persistence/index.ts";
import type { FilingRow } from "./rows.ts";

export interface FilingFilter {
  state?: FilingState | undefined;
  kind?: "agreement" | "opinion" | undefined;
  scenario?: string | undefined;
}

/** Filings, oldest first. For those who see the whole data space; the route admits nobody else. */
export async function listFilings(
  db: Database | Transaction,
  request: PageRequest & FilingFilter,
): Promise<PageOf<FilingView>> {
  const { state, kind, scenario, after, limit } = request;
  let query = db.selectFrom("filings").selectAll();
  if (state) query = query.where("state", "=", state);
  if (kind) query = query.where("kind", "=", kind);
  if (scenario) query = query.where("scenario", "=", scenario);
  const rows = await query
    .where("id", ">", after ?? "")
    .orderBy("id")
    .limit(limit + 1)
    .execute();
  return pageOf(rows.map(toFilingView), limit);
}

export function toFilingView(row: FilingRow): FilingView {
  const { id, kind, scenario, number, state } = row;
  return {
    id,
    kind,
    scenario,
    number,
    state,
    ...(row.submitted_at ? { submittedAt: row.submitted_at.toISOString() } : {}),
    ...(row.decided_at ? { decidedAt: row.decided_at.toISOString() } : {}),
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...(row.comment === null ? {} : { comment: row.comment }),
  };
}
