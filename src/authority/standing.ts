import { readScenario } from "./locked-scenario.ts";
import type { Standing } from "./next-step.ts";
import type { StepContext } from "./step-context.ts";

/** Reads where a scenario stands; takes no lock. */
export async function readStanding(context: StepContext, id: string): Promise<Standing> {
  const { tx } = context;
  const scenario = await readScenario(context, id);
  const agreement = await tx
    .selectFrom("agreements")
    .select(["number", "valid_from", "valid_to", "quota"])
    .where("id", "=", scenario.agreement)
    .executeTakeFirst();
  const opinions = await tx.selectFrom("opinions").selectAll().where("scenario", "=", id).execute();
  const openFiling = await tx
    .selectFrom("filings")
    .select("id")
    .where("scenario", "=", id)
    .where("state", "=", "submitted")
    .executeTakeFirst();
  return {
    state: scenario.state,
    agreement: agreement && {
      number: agreement.number,
      validFrom: agreement.valid_from,
      validTo: agreement.valid_to,
      ...(agreement.quota === null ? {} : { quota: agreement.quota }),
    },
    opinion: opinions.find((opinion) => opinion.id === scenario.opinion),
    opinionNumbers: opinions.map((opinion) => opinion.number),
    openFiling: openFiling?.id,
  };
}
