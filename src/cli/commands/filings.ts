import type { FilingView } from "#contract/scenario.ts";
import { connect } from "../connect.ts";
import { listOutcome, objectOutcome, takeItems } from "../list.ts";
import { formatFields } from "../print/table.ts";
import type { CommandBody } from "../terminal.ts";

export const listFilings: CommandBody<{ limit: number }> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  return listOutcome(await takeItems(client.filings.list(), options.limit), {
    filing: ({ id }) => id,
    kind: ({ kind }) => kind,
    scenario: ({ scenario }) => scenario,
    number: ({ number }) => number,
    state: ({ state }) => state,
    submitted: ({ submittedAt }) => submittedAt ?? "",
  });
};

export const acceptFiling: CommandBody<{ comment?: string }> = async ({ terminal, options, args: [id = ""] }) => {
  const client = await connect(terminal);
  return filingOutcome(await client.filings.accept(id, options.comment));
};

export const returnFiling: CommandBody<{ comment: string }> = async ({ terminal, options, args: [id = ""] }) => {
  const client = await connect(terminal);
  return filingOutcome(await client.filings.return(id, options.comment));
};

function filingOutcome(filing: FilingView) {
  return objectOutcome(
    filing,
    formatFields([
      ["filing", filing.id],
      ["kind", filing.kind],
      ["scenario", filing.scenario],
      ["number", filing.number],
      ["state", filing.state],
      ["submitted", filing.submittedAt],
      ["decided", filing.decidedAt],
      ["by", filing.decidedBy],
      ["comment", filing.comment],
    ]),
  );
}
