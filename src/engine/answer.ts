import type { EngineQuery, QueryAnswer } from "#contract/engine.ts";
import type { EgressFacts, Finding, OutputDescriptor } from "#contract/egress.ts";
import type { ScriptTable } from "#contract/script-table.ts";
import type { LaidOutTable } from "./arrow/index.ts";
import type { GateDecision } from "./gate/index.ts";
import { queryDigest, type GateCatalogue } from "./gate/index.ts";
import { maxGradeOf } from "./grades.ts";
import type { ReviewerCells } from "./reviewer-cells.ts";
import { findingOf, type RuleOutcome } from "./rules/index.ts";

export interface Answered {
  answer: QueryAnswer;
  parts: Uint8Array[];
}

type Allowed = Exclude<GateDecision, { form: "refused" }>;

/** What is known about a statement before it has run. */
export interface Draft {
  request: EngineQuery;
  label: "safe" | "row_level";
  findings: Finding[];
  maxGrade: string;
  products: string[];
  planDigest: string | undefined;
  sql: string;
  columns: { name: string; type: string }[];
}

export interface Ran {
  outcomes: readonly RuleOutcome[];
  cells: number;
  /** Hidden values: all of them, and those that show as NULL. */
  suppressed: { all: number; visible: number };
  computed: LaidOutTable;
  /** Absent when the label does not let anything out. */
  released: LaidOutTable | undefined;
  reviewer: ReviewerCells;
  stages: Record<string, number>;
}

export function draftOf(catalogue: GateCatalogue, request: EngineQuery, decision: Allowed): Draft {
  return {
    request,
    label: decision.form === "rows" ? "row_level" : "safe",
    findings: decision.form === "rows" ? [decision.finding] : [],
    maxGrade: maxGradeOf(catalogue.products, decision.read.columns),
    products: decision.read.products,
    planDigest: decision.form === "safe" ? queryDigest(decision.statement) : undefined,
    sql: decision.sql,
    columns: decision.columns,
  };
}

const NOTHING = new Uint8Array(0);
const NO_CELLS: ReviewerCells = { columns: [], cells: [], truncated: false };

/** The form is acceptable; nothing has run. */
export function answerUnrun(draft: Draft, stages: Record<string, number>): Answered {
  const facts = factsOf(draft, { outcomes: [], cells: 0, suppressed: { all: 0, visible: 0 } });
  const output = { ...outputOf(draft, 0, 0), columns: draft.columns };
  const answer = answerOf(draft, { facts, output, findings: draft.findings, reviewer: NO_CELLS, ran: false, stages });
  return { answer, parts: [] };
}

export function answerRan(draft: Draft, ran: Ran): Answered {
  const started = performance.now();
  const findings = [...draft.findings, ...ran.outcomes.map(findingOf)];
  const blocked = ran.outcomes.some((outcome) => outcome.block);
  const facts = factsOf(draft, ran);
  const released = blocked || draft.label !== "safe" ? undefined : ran.released;
  const seen = draft.label === "safe" ? released : blocked ? undefined : ran.computed;
  // Of a blocked result not even the size is told: it can depend on what would have been hidden.
  const shown = blocked ? undefined : (released ?? ran.computed);
  const output = {
    ...outputOf(draft, shown?.rowCount ?? 0, shown?.bytes.byteLength ?? 0),
    columns: ran.computed.columns,
    suppressed: blocked ? 0 : ran.suppressed.visible,
  };
  const stages = { ...ran.stages, encode: (ran.stages["encode"] ?? 0) + performance.now() - started };
  const answer = answerOf(draft, { facts, output, findings, reviewer: ran.reviewer, ran: true, stages });
  return { answer, parts: [ran.computed.bytes, released?.bytes ?? NOTHING, seen ? scriptHead(seen, ran) : NOTHING] };
}

/** What a script needs besides the table's bytes, which go along as part 0 or 1 already. */
function scriptHead({ columns, rowCount, layout }: LaidOutTable, ran: Ran): Uint8Array {
  const head: ScriptTable = {
    columns,
    rowCount,
    suppressed: ran.suppressed.visible,
    notes: notesOf(ran),
    layout,
  };
  return Buffer.from(JSON.stringify(head));
}

/** Notes go with the table: which rules hid or changed something, in the words of the findings. */
function notesOf(ran: Ran): { rule: string; message: string }[] {
  return ran.outcomes.filter((one) => one.suppress ?? one.transform).map(({ rule, message }) => ({ rule, message }));
}

function outputOf(draft: Draft, rows: number, bytes: number): Omit<OutputDescriptor, "columns"> {
  return { name: `statement-${draft.request.statement}`, kind: "table", rows, bytes, suppressed: 0 };
}

function factsOf(draft: Draft, ran: Pick<Ran, "outcomes" | "cells" | "suppressed">): EgressFacts {
  const idsOf = (isMeant: (outcome: RuleOutcome) => boolean): string[] =>
    [...new Set(ran.outcomes.filter(isMeant).map((outcome) => outcome.rule))].toSorted();
  const transformedBy = idsOf((outcome) => outcome.transform === true);
  const gate = draft.findings.filter((finding) => finding.effect === "review").map((finding) => finding.rule);
  return {
    label: draft.label,
    cells: ran.cells,
    suppressedCells: ran.suppressed.all,
    blockedBy: idsOf((outcome) => outcome.block === true),
    reviewBy: [...new Set([...idsOf((outcome) => outcome.review === true), ...gate])].toSorted(),
    suppressedBy: idsOf((outcome) => outcome.suppress !== undefined),
    ...(transformedBy.length > 0 ? { transformedBy } : {}),
    maxGrade: draft.maxGrade,
    products: draft.products,
  };
}

interface Parts {
  facts: EgressFacts;
  output: OutputDescriptor;
  findings: Finding[];
  reviewer: ReviewerCells;
  ran: boolean;
  stages: Record<string, number>;
}

function answerOf(draft: Draft, parts: Parts): QueryAnswer {
  const { facts, output, findings, reviewer, ran, stages } = parts;
  const { label, request, planDigest } = draft;
  const evidence = {
    statement: request.statement,
    sql: request.sql,
    label,
    findings,
    facts,
    ...reviewer,
    ...(planDigest === undefined ? {} : { planDigest }),
  };
  return { id: request.id, ok: true, op: "query", ran, label, findings, facts, output, evidence, stages };
}
