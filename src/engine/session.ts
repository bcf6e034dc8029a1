import type { EngineOpen, EngineQuery } from "#contract/engine.ts";
import type { Finding } from "#contract/egress.ts";
import type { ReasonCode } from "#contract/job.ts";
import { answerRan, answerUnrun, draftOf, type Answered, type Draft } from "./answer.ts";
import { failureOf } from "./failure.ts";
import { CountedLeaves, leafKey } from "./counted-leaves.ts";
import { judgeForm, type GateCatalogue, type GateDecision, type SafeQuery } from "./gate/index.ts";
import { openInstances, type EngineInstances, type Mount } from "./instance.ts";
import { gradeRule } from "./rules/index.ts";
import { runSafe, type SafeSession } from "./safe-run.ts";
import { runWritten } from "./written-run.ts";

/** A statement that is not answered: the gate's refusal with its finding, or a failure with its code alone. */
export class QueryRefused extends Error {
  readonly code: ReasonCode;
  readonly findings: Finding[];

  constructor(code: ReasonCode, findings: Finding[], cause?: unknown) {
    super(code, { cause });
    this.name = "QueryRefused";
    this.code = code;
    this.findings = findings;
  }
}

type Allowed = Exclude<GateDecision, { form: "refused" }>;

/** One scenario's products, mounted and locked, and the queries over them, one at a time. */
export class EngineSession implements AsyncDisposable {
  readonly #open: EngineOpen;
  readonly #instances: EngineInstances;
  readonly #catalogue: GateCatalogue;
  readonly #shared: SafeSession;
  readonly #alone: SafeSession;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(open: EngineOpen, instances: EngineInstances) {
    this.#open = open;
    this.#instances = instances;
    const { data, dataAlone } = instances;
    this.#shared = { data, counted: new CountedLeaves(data) };
    this.#alone = data === dataAlone ? this.#shared : { data: dataAlone, counted: new CountedLeaves(dataAlone) };
    this.#catalogue = { products: new Map(open.products.map((product) => [product.id, product])), joins: open.joins };
  }

  static async open(open: EngineOpen, mount?: Mount): Promise<EngineSession> {
    return new EngineSession(open, await openInstances(open, mount));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#instances[Symbol.asyncDispose]();
  }

  /** Queued: one statement at a time. @throws QueryRefused */
  query(request: EngineQuery): Promise<Answered> {
    const next = this.#last.then(() => this.#query(request));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #query(request: EngineQuery): Promise<Answered> {
    const started = performance.now();
    const { sql, parameters } = request;
    const scope = { visibility: this.#open.visibility, catalogue: this.#catalogue };
    const decision = await judgeForm(this.#instances.planning, { sql, parameters, ...scope });
    if (decision.form === "refused") throw new QueryRefused(decision.code, [decision.finding]);
    const draft = draftOf(this.#catalogue, request, decision);
    const stages = { gate: performance.now() - started };
    if (request.validateOnly) return answerUnrun(draft, stages);
    try {
      return await (decision.form === "safe"
        ? this.#safe(draft, decision, stages)
        : this.#written(draft, decision, stages));
    } catch (error) {
      throw new QueryRefused(failureOf(error).code, [], error);
    }
  }

  /** Where a statement runs. */
  #place({ alone }: EngineQuery): SafeSession {
    return alone === true ? this.#alone : this.#shared;
  }

  /** There, unless the other place alone knows its cells. */
  #safePlace(request: EngineQuery, leaves: readonly SafeQuery[]): SafeSession {
    const own = this.#place(request);
    if (this.#alone === this.#shared) return own;
    const other = own === this.#alone ? this.#shared : this.#alone;
    const keys = leaves.map((query) => leafKey(query, request.profile));
    return other.counted.knows(keys) && !own.counted.knows(keys) ? other : own;
  }

  async #safe(
    draft: Draft,
    decision: Extract<Allowed, { form: "safe" }>,
    stages: Record<string, number>,
  ): Promise<Answered> {
    const { statement, columns } = decision;
    const run = await runSafe(this.#safePlace(draft.request, statement.leaves), {
      statement,
      columns,
      request: draft.request,
      maxGrade: draft.maxGrade,
    });
    return answerRan(draft, {
      outcomes: run.outcomes,
      cells: run.cells,
      suppressed: run.suppressed,
      computed: run.computed,
      released: run.released,
      reviewer: run.reviewer,
      stages: { ...stages, ...run.stages },
    });
  }

  async #written(
    draft: Draft,
    decision: Exclude<Allowed, { form: "safe" }>,
    stages: Record<string, number>,
  ): Promise<Answered> {
    const started = performance.now();
    const { sql, ordered, form } = decision;
    const table = await runWritten(this.#place(draft.request).data, { sql, ordered, request: draft.request });
    return answerRan(draft, {
      outcomes: gradeRule(draft.maxGrade, draft.request.profile),
      cells: table.rowCount * table.columns.length,
      suppressed: { all: 0, visible: 0 },
      computed: table,
      released: form === "public" ? table : undefined,
      reviewer: { columns: [], cells: [], truncated: false },
      stages: { ...stages, query: performance.now() - started },
    });
  }
}
