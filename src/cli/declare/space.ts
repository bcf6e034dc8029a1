import { Option, type Command } from "commander";
import type { ScenarioStep } from "#client/index.ts";
import type { Bind } from "../program.ts";
import { limitOption, oneOf, wholeNumber } from "./option.ts";

export function declareSpaceCommands(program: Command, bind: Bind): void {
  const apply = program
    .command("apply")
    .description("bring a server to the state that a space file declares")
    .requiredOption("-f, --file <file>", "the space file; - is standard input")
    .option("--development", "take the steps of other organisations too (development servers only)")
    .option("--wait", "wait until every product of the file is published")
    .option("--timeout <seconds>", "longest time to wait", wholeNumber(1), 600);
  bind(apply, async () => (await import("../commands/apply.ts")).applyCommand);

  const products = program.command("products").description("data products");
  const list = products.command("list").description("the data products that you may see").addOption(limitOption());
  bind(list, async () => (await import("../commands/products.ts")).listProducts);
  const show = products.command("show <product>").description("columns, roles, grades and statistics");
  bind(show, async () => (await import("../commands/products.ts")).showProduct);

  declareScenarios(program.command("scenarios").description("scenarios and their chain of authority"), bind);

  const organisations = program.command("organisations").description("organisations of the space");
  const listing = organisations.command("list").description("all organisations").addOption(limitOption());
  bind(listing, async () => (await import("../commands/organisations.ts")).listOrganisations);
}

function declareScenarios(scenarios: Command, bind: Bind): void {
  const list = scenarios.command("list").description("the scenarios that you may see").addOption(limitOption());
  bind(list, async () => (await import("../commands/scenarios.ts")).listScenarios);
  const show = scenarios.command("show <scenario>").description("one scenario");
  bind(show, async () => (await import("../commands/scenarios.ts")).showScenario);
  for (const [step, { description, option }] of Object.entries(STEPS) as [ScenarioStep, StepDeclaration][]) {
    const advance = scenarios.command(`${step} <scenario>`).description(description);
    if (option) advance.addOption(option());
    bind(advance, async () => (await import("../commands/scenarios.ts")).advanceScenario(step));
  }
  declareConsents(scenarios, bind);
}

function declareConsents(scenarios: Command, bind: Bind): void {
  const list = scenarios
    .command("consents <scenario>")
    .description("which data providers consent to linking their data");
  bind(list, async () => (await import("../commands/consents.ts")).listConsents);
  const decide = scenarios
    .command("consent <scenario>")
    .description("give or withdraw your organisation's consent to linking its data with those of others")
    .addOption(oneOf("--decision <decision>", "give or withdraw", ["give", "withdraw"]).makeOptionMandatory())
    .requiredOption("--comment <text>", "the document that it stands on");
  bind(decide, async () => (await import("../commands/consents.ts")).decideConsent);
}

interface StepDeclaration {
  description: string;
  option?: () => Option;
}

const STEPS: Readonly<Record<ScenarioStep, StepDeclaration>> = {
  approve: { description: "approve it on the basis of an expert opinion", option: documentOption },
  reject: { description: "reject it", option: reasonOption },
  sign: { description: "sign the cooperation agreement", option: documentOption },
  file: { description: "file the agreement with the implementing body" },
  opinion: { description: "issue the pre-review opinion", option: documentOption },
  "file-opinion": { description: "file the pre-review opinion" },
  "go-live": {
    description: "decide that it goes live",
    option: () => new Option("--opinion <number>", "number of the filed opinion").makeOptionMandatory(),
  },
  suspend: { description: "stop it at once: no job, no release", option: reasonOption },
  resume: { description: "let it go on where it was", option: reasonOption },
  terminate: { description: "end it for good", option: reasonOption },
};

function reasonOption(): Option {
  return new Option("--reason <text>", "why").makeOptionMandatory();
}

function documentOption(): Option {
  return new Option("--document <file>", "the document, in YAML or JSON; without it the declared one is used");
}
