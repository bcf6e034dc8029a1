import type { PolicyDecision, PolicyRecord } from "#contract/policy.ts";
import {
  digestOf,
  explainEgress,
  type Explanation,
  loadPolicyBundle,
  openStoredBundle,
  parseExplainable,
} from "#policy/index.ts";
import type { Client } from "#client/index.ts";
import { CliError, usageError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { readInput } from "../input.ts";
import { languageOf, type Language } from "../language.ts";
import { policyDirectory } from "../policy-directory.ts";
import { formatExplanation } from "../print/explanation.ts";
import type { CommandBody, Outcome, Terminal } from "../terminal.ts";

export interface ExplainOptions {
  request?: string;
  policies?: string;
  lang?: Language;
}

export const explainDecision: CommandBody<ExplainOptions> = async ({ terminal, options, args: [file] }) => {
  const language = languageOf(terminal, options.lang);
  if ((file === undefined) === (options.request === undefined)) throw usageError("give a file or --request");
  if (file !== undefined) return explainFile(terminal, { file, policies: options.policies, language });
  if (options.policies !== undefined) throw usageError("a request is explained by the policies that decided it");
  return explainRequest(await connect(terminal), options.request ?? "", language);
};

async function explainFile(
  terminal: Terminal,
  { file, policies, language }: { file: string; policies: string | undefined; language: Language },
): Promise<Outcome> {
  const bundle = loadPolicyBundle(policyDirectory(terminal, policies));
  const question = parseExplainable(file, await readInput(terminal, file));
  if (question.profile !== undefined && !bundle.profiles.has(question.profile)) {
    throw new CliError("profile_unknown", `there is no profile ${question.profile}`);
  }
  const explanation = explainEgress(bundle, question);
  return { status: 0, json: () => explanation, text: () => formatExplanation(explanation, language) };
}

interface ExplainedDecision {
  on: string;
  at: string;
  bundle: string;
  verdict: string;
  /** Whether the stored policies answer today as they did; absent where the authority of then was not kept. */
  reproduced?: boolean;
  explanation?: Explanation;
  reasons: PolicyDecision["reasons"];
}

/** Every decision once more, from the kept text of its bundle: the server delivers text and facts, nothing else. */
async function explainRequest(client: Client, request: string, language: Language): Promise<Outcome> {
  const record = await client.policies.record(request);
  const decisions: ExplainedDecision[] = [];
  for (const decision of record.decisions) decisions.push(await explainAgain(client, record, decision));
  const differs = decisions.some(({ reproduced }) => reproduced === false);
  return {
    status: differs ? 1 : 0,
    json: () => ({ request: record.request, scenario: record.scenario, decisions }),
    text: () => decisions.map((decision) => formatDecision(decision, language)).join("\n\n"),
    ...(differs ? { notes: "sluice: decision_differs: the kept policies do not answer as they did" } : {}),
  };
}

async function explainAgain(
  client: Client,
  { facts, profile }: PolicyRecord,
  decision: PolicyDecision,
): Promise<ExplainedDecision> {
  const { authority, ...kept } = decision;
  if (!authority) return kept;
  const { files } = await client.policies.get(decision.bundle);
  const texts = new Map(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  if (digestOf(texts) !== decision.bundle) {
    throw new CliError("policies_changed", `the kept text of ${decision.bundle} has another digest`);
  }
  const explanation = explainEgress(openStoredBundle(texts), { facts, authority, profile });
  const reproduced =
    explanation.verdict === decision.verdict && policiesIn(explanation.reasons) === policiesIn(decision.reasons);
  return { ...kept, reproduced, explanation };
}

function policiesIn(reasons: PolicyDecision["reasons"]): string {
  return reasons.map(({ policy }) => policy).join();
}

function formatDecision(decision: ExplainedDecision, language: Language): string {
  const { on, at, verdict, explanation, reasons } = decision;
  const head = `${on} ${at}`;
  if (explanation) return `${head}\n${formatExplanation(explanation, language)}`;
  const why = reasons.map(({ policy, message }) => `  ${policy}: ${message[language]}`);
  return [`${head}: ${verdict} (${decision.bundle}; the authority of then was not kept)`, ...why].join("\n");
}
