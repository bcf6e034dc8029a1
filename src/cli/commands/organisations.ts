import { connect } from "../connect.ts";
import { listOutcome, takeItems } from "../list.ts";
import type { CommandBody } from "../terminal.ts";

export const listOrganisations: CommandBody<{ limit: number }> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  return listOutcome(await takeItems(client.organisations.list(), options.limit), {
    organisation: ({ id }) => id,
    kind: ({ kind }) => kind,
    title: ({ title }) => title ?? "",
  });
};
