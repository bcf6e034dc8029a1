import type { ScenarioStep } from "#client/index.ts";
import type { ScenarioView } from "#contract/scenario.ts";
import { CliError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { readInput } from "../input.ts";
import { listOutcome, objectOutcome, takeItems } from "../list.ts";
import { formatFields } from "../print/table.ts";
import type { CommandBody, Terminal } from "../terminal.ts";

export const listScenarios: CommandBody<{ limit: number }> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  return listOutcome(await takeItems(client.scenarios.list(), options.limit), {
    scenario: ({ id }) => id,
    developer: ({ developer }) => developer,
    state: ({ state }) => state,
    visibility: ({ visibility }) => visibility,
    products: ({ products }) => products.join(" "),
    opinion: ({ opinion }) => opinion && `${opinion.number} (${opinion.state})`,
  });
};

export const showScenario: CommandBody<object> = async ({ terminal, args: [id = ""] }) => {
  const client = await connect(terminal);
  const scenario = await client.scenarios.get(id);
  return objectOutcome(scenario, formatScenario(scenario));
};

export interface StepOptions {
  reason?: string;
  opinion?: string;
  document?: string;
}

/** The member of the step's body that holds the document. */
const DOCUMENT_MEMBER: Partial<Record<ScenarioStep, string>> = {
  approve: "expertOpinion",
  sign: "agreement",
  opinion: "opinion",
};

export function advanceScenario(step: ScenarioStep): CommandBody<StepOptions> {
  return async ({ terminal, options, args: [id = ""] }) => {
    const { reason, opinion, document } = options;
    const member = DOCUMENT_MEMBER[step];
    const body = {
      ...(reason === undefined ? {} : { reason }),
      ...(opinion === undefined ? {} : { opinion }),
      ...(document === undefined || member === undefined ? {} : { [member]: await readDocument(terminal, document) }),
    };
    const client = await connect(terminal);
    const scenario = await client.scenarios.advance(id, step, body);
    return objectOutcome(scenario, formatScenario(scenario));
  };
}

async function readDocument(terminal: Terminal, file: string): Promise<unknown> {
  const text = await readInput(terminal, file);
  const { parse } = await import("yaml");
  try {
    return parse(text) as unknown;
  } catch (cause) {
    throw new CliError("file_invalid", `${file}: ${(cause as Error).message.split("\n", 1)[0]}`, { cause });
  }
}

function formatScenario(scenario: ScenarioView): string {
  const { agreement, expertOpinion, opinion } = scenario;
  return formatFields([
    ["scenario", scenario.id],
    ["title", scenario.title],
    ["developer", scenario.developer],
    ["purpose", scenario.purpose],
    ["state", scenario.state],
    ["visibility", scenario.visibility],
    ["products", scenario.products.join(", ")],
    ["joins", scenario.joins.map(({ left, right }) => `${left} = ${right}`).join(", ")],
    ["expert opinion", expertOpinion && `${expertOpinion.number} of ${expertOpinion.issuer}, ${expertOpinion.date}`],
    ["agreement", agreement && `${agreement.number}, ${agreement.validFrom} to ${agreement.validTo}`],
    ["opinion", opinion && `${opinion.number}, profile ${opinion.profile}, ${opinion.state}`],
    ["automatic release", opinion && (opinion.autoRelease && opinion.effective ? "yes" : "no")],
  ]);
}
