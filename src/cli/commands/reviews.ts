import type { EgressRequestView, EgressState, StatementEvidence } from "#contract/egress.ts";
import { connect } from "../connect.ts";
import { languageOf, type Language } from "../language.ts";
import { listOutcome, objectOutcome, takeItems } from "../list.ts";
import { formatFindings } from "../print/finding.ts";
import { printable } from "../print/printable.ts";
import { formatReleasedOutput } from "../print/release.ts";
import { formatFields, formatTable } from "../print/table.ts";
import type { CommandBody } from "../terminal.ts";

export interface ListReviewsOptions {
  state?: EgressState;
  limit: number;
}

export const listReviews: CommandBody<ListReviewsOptions> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  return listOutcome(await takeItems(client.egress.list({ state: options.state }), options.limit), {
    request: ({ id }) => id,
    scenario: ({ scenario }) => scenario,
    organisation: ({ organisation }) => organisation,
    state: ({ state }) => state,
    verdict: ({ verdict }) => verdict,
    type: ({ productType }) => productType,
    created: ({ createdAt }) => createdAt,
  });
};

export const showReview: CommandBody<object> = async ({ terminal, args: [id = ""] }) => {
  const client = await connect(terminal);
  const request = await client.egress.get(id);
  return objectOutcome(request, formatRequest(request, languageOf(terminal)));
};

export interface PreviewOptions {
  output?: string;
  rows: number;
}

export const previewReview: CommandBody<PreviewOptions> = async ({ terminal, options, args: [id = ""] }) => {
  const client = await connect(terminal);
  const response = await client.egress.content(id, "json", { output: options.output, rows: options.rows });
  const content: unknown = await response.json();
  return { status: 0, json: () => content, text: () => formatReleasedOutput(content) };
};

export interface DecideOptions {
  comment: string;
  reasonCode?: string[];
}

export function decideReview(decision: "approve" | "reject" | "return"): CommandBody<DecideOptions> {
  return async ({ terminal, options, args: [id = ""] }) => {
    const client = await connect(terminal);
    const { comment, reasonCode } = options;
    const review = { decision, comment, ...(reasonCode ? { reasonCodes: reasonCode } : {}) };
    const request = await client.egress.review(id, review);
    return objectOutcome(request, formatRequest(request, languageOf(terminal)));
  };
}

function formatRequest(request: EgressRequestView, language: Language): string {
  const fields = formatFields([
    ["request", request.id],
    ["job", request.job],
    ["scenario", request.scenario],
    ["applicant", `${request.applicant} of ${request.organisation}`],
    ["state", request.state],
    ["verdict", request.verdict],
    ["type", request.productType],
    ["purpose", request.purpose],
    ["recipients", request.recipients.join(", ")],
    ["outputs", request.outputs.map(({ name, rows }) => `${name} (${rows} rows)`).join(", ")],
    ["release", request.releaseId],
  ]);
  const reviews = request.reviews.map((review) => `${review.at} ${review.decision}: ${printable(review.comment)}`);
  const evidence = (request.evidence ?? []).map(formatEvidence);
  return [fields, formatFindings(request.findings, undefined, language), reviews.join("\n"), ...evidence]
    .filter((part) => part !== "")
    .join("\n\n");
}

function formatEvidence(evidence: StatementEvidence): string {
  const head = `statement ${evidence.statement} (${evidence.label})\n${evidence.sql.split("\n").map(printable).join("\n")}`;
  if (evidence.columns.length === 0) return head;
  const columns = evidence.columns.map((title) => ({ title }));
  return `${head}\n${formatTable(columns, evidence.cells)}${evidence.truncated ? "\n… more cells" : ""}`;
}
