import type { EgressFacts, Finding } from "#contract/egress.ts";
import type { EngineAnswer, QueryAnswer } from "#contract/engine.ts";
import {
  DEFAULT_ISOLATE_LIMITS,
  ISOLATE_IMAGES,
  type IsolateDone,
  type IsolateOutput,
  type IsolateQuery,
} from "#contract/isolate.ts";
import { type ReasonCode, REASON_CODES } from "#contract/job.ts";
import type { JobOffer } from "#contract/runner.ts";
import { isAppError } from "#kernel/errors.ts";
import { askQuery } from "./ask-query.ts";
import type { EngineClient } from "./engine-client.ts";
import { noteBreach } from "./job-events.ts";
import { createIsolateCaps } from "./isolate-caps.ts";
import type { IsolateClient, ScriptListeners } from "./isolate-client.ts";
import { type JobEnd, type JobRun, noteAnswer, noteBlocked, noteRefusal } from "./job-run.ts";

/** What a script's queries and outputs need. */
export interface ScriptNeeds {
  offer: JobOffer;
  engine: EngineClient;
  isolate: IsolateClient;
  /** An engine process without data: it makes Arrow tables of rows that the script made. */
  renderer(): Promise<EngineClient>;
}

interface Delivered {
  answer: QueryAnswer;
  parts: Uint8Array[];
}

/**
 * Runs a script and brokers between the isolate, which has no data, and the engine: every query passes the
 * gate, is recorded, and only what the label allows is handed on. Queries run one after another.
 */
export async function runJavascript(run: JobRun, needs: ScriptNeeds): Promise<JobEnd> {
  const turns: Turns = { delivered: new Map(), outputs: [], over: false };
  // what fails while the script goes on ends the job, not the runner
  const { promise: broken, reject: fail } = Promise.withResolvers<never>();
  broken.catch(() => undefined);
  try {
    const listeners = scriptListeners(run, needs, { turns, fail });
    const done = await Promise.race([needs.isolate.run(startMessage(needs.offer), listeners), broken]);
    const failure = (await Promise.all(turns.outputs)).find((code) => code !== undefined);
    return scriptEnd(run, done, failure);
  } finally {
    turns.over = true;
  }
}

/** Whether a script compiles; none of it runs. What it says in spite of that ends its process. */
export async function compileJavascript(run: JobRun, { offer, isolate }: Pick<ScriptNeeds, "offer" | "isolate">) {
  const breach = (): void => {
    noteBreach(run, "isolate", "compile");
    isolate.process.kill();
  };
  const listeners = { onQuery: breach, onLog: breach, onOutput: breach };
  const done = await isolate.run({ ...startMessage(offer), compileOnly: true }, listeners);
  return done.ok ? { state: "succeeded" as const } : failureEnd(done);
}

interface Turns {
  delivered: Map<number, Delivered>;
  outputs: Promise<ReasonCode | undefined>[];
  /** The script has ended: queries that still wait are not run. */
  over: boolean;
}

function scriptListeners(
  run: JobRun,
  needs: ScriptNeeds,
  { turns, fail }: { turns: Turns; fail: (error: unknown) => void },
): ScriptListeners {
  const caps = createIsolateCaps(limitsOf(needs.offer));
  const { delivered } = turns;
  let queue: Promise<void> = Promise.resolve();
  const breach = (what: string): void => {
    noteBreach(run, "isolate", `limit:${what}`);
    needs.isolate.process.kill();
  };
  const takeTurn = async (message: IsolateQuery): Promise<void> => {
    if (turns.over) return;
    try {
      await answerQuery(run, needs, { message, delivered });
      caps.answered();
    } catch (error) {
      fail(error);
    }
  };
  return {
    onQuery: (message) => {
      if (!caps.query(message)) return breach("queries");
      queue = queue.then(async () => takeTurn(message));
    },
    onLog: (lines) => {
      if (!caps.log(lines)) return breach("log");
      for (const line of lines) run.log.push({ seq: run.log.length + 1, ...line });
    },
    onOutput: (message, part) => {
      if (!caps.output(part)) return breach("outputs");
      const taken = takeOutput(run, needs, { message, part, delivered });
      taken.catch(fail);
      turns.outputs.push(taken);
    },
  };
}

function limitsOf({ job }: JobOffer) {
  return ISOLATE_IMAGES[job.image]?.limits ?? DEFAULT_ISOLATE_LIMITS;
}

function startMessage(offer: JobOffer) {
  const { job } = offer;
  return {
    op: "run" as const,
    script: job.script ?? "",
    parameters: job.parameters,
    // the submission time is all the time that a script sees; equal jobs have equal chance
    nowMs: job.submittedAtMs,
    seed: 1,
    limits: limitsOf(offer),
  };
}

interface QueryTurn {
  message: IsolateQuery;
  delivered: Map<number, Delivered>;
}

async function answerQuery(run: JobRun, needs: ScriptNeeds, { message, delivered }: QueryTurn): Promise<void> {
  const { offer, engine, isolate } = needs;
  const statement = { statement: message.query, sql: message.sql, parameters: {} };
  const asked = await askQuery(run, { offer, engine }, statement).catch((error: unknown) => {
    // the engine's end is seen by the job's own watch; the script gets no answer any more
    if (isAppError(error, "process_failed")) return undefined;
    throw error;
  });
  if (!asked) return;
  const { answer, parts } = asked;
  const isTold = mayTell(run, offer);
  const tell = (findings: Finding[]): void => void (isTold && run.findings.push(...findings));
  const refused = refusalOf(answer);
  if (refused !== undefined) {
    const findings = "findings" in answer ? answer.findings : [];
    if (answer.ok && answer.op === "query") {
      // that it was blocked says something about the data, and the script goes on with it
      noteBlocked(run, answer);
      tell(findings.map((finding) => about(finding, message.query)));
    } else {
      noteRefusal(run, { statement: message.query, sql: message.sql, findings });
      tell(findings.map((finding) => asNote(finding, message.query)));
    }
    isolate.answer(message, { ok: false, code: refused, message: refusalText(refused, findings) });
    return;
  }
  const query = answer as QueryAnswer;
  tell(query.findings.map((finding) => about(finding, message.query)));
  noteAnswer(run, query);
  run.facts.push(query.facts);
  delivered.set(message.query, { answer: query, parts });
  isolate.answer(message, { ok: true }, scriptTable(query, parts));
}

/**
 * INVARIANT: a script can write what it was given into its next query. Where that may not leave by itself, what quotes a
 * query is in the evidence, for reviewers, and never among the findings that its developer reads.
 */
function mayTell(run: JobRun, { autoRelease = false }: JobOffer): boolean {
  if (run.label !== "safe") return false;
  return run.facts.length === 0 || (autoRelease && !run.facts.some(isHeld));
}

/** Whether a person or nobody may let it leave. */
function isHeld({ blockedBy, reviewBy }: EgressFacts): boolean {
  return blockedBy.length > 0 || reviewBy.length > 0;
}

function about(finding: Finding, query: number): Finding {
  return { ...finding, subject: `query ${query}` };
}

/** Why the script does not get an answer; a result that a rule blocks is not handed to the script either. */
function refusalOf(answer: EngineAnswer): ReasonCode | undefined {
  if (!answer.ok) return answer.code;
  if (answer.op !== "query") return "query_error";
  return answer.facts.blockedBy.length > 0 ? "egress_block" : undefined;
}

/** What the engine lets the script see of a result: as it may leave, or all of it where the label says rows. */
function scriptTable({ label }: QueryAnswer, [computed, released, head]: readonly Uint8Array[]) {
  const seen = label === "safe" ? released : computed;
  return head && seen ? ([head, seen] as const) : ([] as const);
}

/** A refusal that the script may handle does not block what the script makes of other queries. */
function asNote(finding: Finding, query: number): Finding {
  return { ...about(finding, query), effect: "note" };
}

function refusalText(code: ReasonCode, findings: readonly Finding[]): string {
  const [first] = findings;
  return first ? `${first.message}${first.suggestion ? ` (${first.suggestion})` : ""}` : REASON_CODES[code];
}

interface OutputTurn {
  message: IsolateOutput;
  part: Uint8Array | undefined;
  delivered: ReadonlyMap<number, Delivered>;
}

async function takeOutput(run: JobRun, needs: ScriptNeeds, turn: OutputTurn): Promise<ReasonCode | undefined> {
  const { message, part } = turn;
  const place = run.outputs.length;
  if (message.query !== undefined) return handOn(run, turn);
  if (!part) return "output_invalid";
  if (message.kind === "json") {
    const descriptor = {
      name: message.name,
      kind: "json" as const,
      rows: 0,
      bytes: part.byteLength,
      columns: [],
      suppressed: 0,
    };
    const index = run.parts.push(part) - 1;
    run.outputs[place] = { descriptor, quarantine: index, release: index };
    return undefined;
  }
  // the place is taken before waiting, so that outputs keep the script's order
  run.outputs[place] = {
    descriptor: { name: message.name, kind: "table", rows: 0, bytes: 0, columns: [], suppressed: 0 },
    quarantine: 0,
  };
  const { maxRows, maxBytes } = needs.offer.limits;
  const renderer = await needs.renderer();
  const { answer, parts } = await renderer.ask({ op: "table", name: message.name, maxRows, maxBytes }, [part]);
  if (!answer.ok) return answer.code;
  if (answer.op !== "table" || !answer.output || !parts[0]) return "runner_fault";
  const index = run.parts.push(parts[0]) - 1;
  run.outputs[place] = { descriptor: answer.output, quarantine: index, release: index };
  return undefined;
}

/** The result of a query, handed on untouched: the engine's own bytes, not a copy that went through the script. */
function handOn(run: JobRun, { message, delivered }: OutputTurn): ReasonCode | undefined {
  const result = delivered.get(message.query ?? 0);
  if (!result || !result.parts[0]) return "output_invalid";
  const descriptor = { ...result.answer.output, name: message.name };
  const quarantine = run.parts.push(result.parts[0]) - 1;
  const canLeave = result.answer.label === "safe" && result.parts[1] !== undefined;
  const release = canLeave ? { release: run.parts.push(result.parts[1]!) - 1 } : {};
  run.outputs.push({ descriptor, quarantine, ...release });
  return undefined;
}

function scriptEnd(run: JobRun, done: IsolateDone, outputFailure: ReasonCode | undefined): JobEnd {
  if (!done.ok) return failureEnd(done);
  if (outputFailure !== undefined) return { state: "failed", reasonCode: outputFailure };
  if (run.outputs.length === 0) return { state: "failed", reasonCode: "output_missing" };
  return { state: "succeeded" };
}

function failureEnd({ code, message, line }: IsolateDone): JobEnd {
  const place = line === undefined ? "" : ` (line ${line})`;
  const reason = message === undefined ? {} : { reason: `${message}${place}` };
  return { state: "failed", reasonCode: code ?? "script_error", ...reason };
}
