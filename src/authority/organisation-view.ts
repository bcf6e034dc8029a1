import type { Organisation } from "#contract/organisation.ts";
import { type PageOf, pageOf, type PageRequest } from "#kernel/page.ts";
import type { Database, Transaction } from "#persistence/index.ts";
import { type Reader, seesEverything } from "./reader.ts";

/** Organisations by id: all of them for the operator and the implementing body, one's own for everybody else. */
export async function listOrganisations(
  db: Database | Transaction,
  reader: Reader,
  request: PageRequest,
): Promise<PageOf<Organisation>> {
  const rows = await db
    .selectFrom("organisations")
    .select(["id", "kind", "title", "weight"])
    .$if(!seesEverything(reader), (query) => query.where("id", "=", reader.organisation))
    .where("id", ">", request.after ?? "")
    .orderBy("id")
    .limit(request.limit + 1)
    .execute();
  const views = rows.map(({ title, ...row }) => (title === null ? row : { ...row, title }));
  return pageOf(views, request.limit);
}
