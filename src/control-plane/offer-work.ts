import { type AuditContext, withAudit } from "#audit/index.ts";
import { checkAuthority, type ValidChain } from "#authority/index.ts";
import { claimIngest, getMounts, mountsOf } from "#catalogue/index.ts";
import type { MountedProduct } from "#contract/engine.ts";
import type { EgressProfile } from "#contract/profile.ts";
import type { JobOffer, LeaseRequest, Offer } from "#contract/runner.ts";
import { isAppError } from "#kernel/errors.ts";
import { failJob } from "#jobs/index.ts";
import { type Claim, claimJobs, type ClaimOptions, takesWork } from "#scheduling/index.ts";
import type { EventDraft } from "#security/index.ts";
import type { Deployment } from "./deployment.ts";
import { noteEnds, tellEvents } from "./security-news.ts";

/** Notifications of other replicas may get lost: looks itself this often. */
const LOOK_MS = 5_000;
/** And so soon when others took what was chosen: they may hold it for a moment only. */
const OUTRUN_MS = 20;

export interface OfferedWork {
  offers: Offer[];
  /** Bytes of the render offers, in their order. */
  parts: Uint8Array[];
  /** Look again after this, although nothing new came. */
  againInMs?: number | undefined;
}

/** Offers what there is, or waits until there is something, at most as long as the runner asks. */
export async function waitForWork(
  deployment: Deployment,
  request: LeaseRequest,
  gone: AbortSignal,
): Promise<OfferedWork> {
  const deadline = performance.now() + request.waitMs;
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<void>();
    // listening starts before looking, so that work that comes between is not missed
    const off = deployment.signal.onWork(request.kind, resolve);
    gone.addEventListener("abort", () => resolve(), { once: true });
    let timer: NodeJS.Timeout | undefined;
    try {
      if (gone.aborted) return { offers: [], parts: [] };
      const offered = await offerWork(deployment, request);
      const leftMs = deadline - performance.now();
      if (offered.offers.length > 0 || leftMs <= 0) return offered;
      timer = setTimeout(resolve, Math.min(leftMs, offered.againInMs ?? LOOK_MS));
      await promise;
    } finally {
      clearTimeout(timer);
      off();
    }
  }
}

async function offerWork(deployment: Deployment, request: LeaseRequest): Promise<OfferedWork> {
  if (request.kind === "jobs") return offerJobs(deployment, request);
  if (request.kind === "ingests") {
    const ingest = await offerIngest(deployment, request.runner);
    return { offers: ingest ? [ingest] : [], parts: [] };
  }
  const render = deployment.renders.take();
  return render ? { offers: [render.offer], parts: [render.bytes] } : { offers: [], parts: [] };
}

async function offerIngest({ db, clock, config }: Deployment, runner: string): Promise<Offer | undefined> {
  const by = { actor: { kind: "runner" as const, id: runner }, clock };
  return withAudit(db, by, async (context) => {
    if (!(await takesWork(context.tx, runner))) return undefined;
    return claimIngest(context, { runner, leaseMs: config.leaseMs, dataDirectory: config.dataDirectory });
  });
}

async function offerJobs(deployment: Deployment, request: LeaseRequest): Promise<OfferedWork> {
  const by = { actor: { kind: "runner" as const, id: request.runner }, clock: deployment.clock };
  const done = await deployment.writes.work.run(by, async (context) => claimOffers(deployment, context, request));
  tellEvents(deployment, done.events);
  const { outrun, againInMs, jobs } = done.claim;
  // all that was taken has ended, or others took what was chosen: there may be more
  const lookInMs = jobs.length > 0 ? 0 : outrun ? OUTRUN_MS : againInMs;
  return { offers: done.offers, parts: [], againInMs: lookInMs };
}

export interface ClaimedOffers {
  offers: JobOffer[];
  claim: Claim;
  /** Of jobs that could not be offered and have ended. */
  events: EventDraft[];
}

/** Takes jobs for a runner in the caller's transaction. */
export async function claimOffers(
  deployment: Deployment,
  context: AuditContext,
  request: LeaseRequest,
): Promise<ClaimedOffers> {
  const claim = await claimJobs(context, claimOptions(deployment, request));
  const offers: JobOffer[] = [];
  const failed: string[] = [];
  for (const job of claim.jobs) {
    const offer = await offerOf(deployment, context, job).catch(refusalOf);
    if (typeof offer !== "string") {
      offers.push(offer);
      continue;
    }
    await failJob(context, job, offer);
    failed.push(job.id);
  }
  return { offers, claim, events: await noteEnds(deployment, context, failed) };
}

function claimOptions(
  { config: { jobLimits, leaseMs } }: Deployment,
  { runner, places, capacity, warm }: LeaseRequest,
): ClaimOptions {
  return {
    runner,
    leaseMs,
    limit: places,
    places: capacity?.places,
    runningBatch: capacity?.runningBatch,
    freeMemoryBytes: capacity?.freeMemoryBytes,
    warm,
    memoryBytes: { interactive: jobLimits.interactive.memoryBytes, batch: jobLimits.batch.memoryBytes },
  };
}

/** A version that was withdrawn or is of another format ends the jobs that need it, and no other job waits for them. */
function refusalOf(error: unknown): "product_unavailable" {
  if (isAppError(error, "product_unavailable") || isAppError(error, "version_unsupported"))
    return "product_unavailable";
  throw error;
}

type ClaimedJob = Claim["jobs"][number];

/** The chain is asked again when a job starts: what lapsed while it waited stops it. */
async function offerOf(
  deployment: Deployment,
  context: AuditContext,
  job: ClaimedJob,
): Promise<JobOffer | "authority_missing"> {
  const { scenario, organisation } = job;
  const authority = await checkAuthority(context.tx, {
    scenario,
    organisation,
    purpose: "job",
    clock: deployment.clock,
    manifests: true,
  });
  if (authority.effect === "deny") return "authority_missing";
  const { chain } = authority;
  // the versions that were current at submission, whatever was published since
  const pinned = job.authority.versions;
  const isCurrent = chain.products.every(({ id, version }) => version?.id === pinned[id]);
  const { dataDirectory } = deployment.config;
  const products = isCurrent ? mountsOf(chain, dataDirectory) : await getMounts(context.tx, pinned, dataDirectory);
  const profile = deployment.bundle.profiles.get(chain.opinion?.profile ?? job.authority.profile);
  // a profile that this server does not have judges nothing: the job ends, the queue goes on
  return profile ? jobOffer(deployment, { job, chain, products, profile }) : "authority_missing";
}

interface Mounted {
  job: ClaimedJob;
  chain: ValidChain;
  products: MountedProduct[];
  profile: EgressProfile;
}

function jobOffer({ config, noiseKey }: Deployment, { job, chain, products, profile }: Mounted): JobOffer {
  return {
    kind: "job",
    lease: job.lease ?? "",
    job: {
      id: job.id,
      image: job.image,
      imageDigest: job.image_digest,
      ...(job.sql === null ? {} : { sql: job.sql }),
      ...(job.script === null ? {} : { script: job.script }),
      parameters: job.parameters,
      mode: job.mode,
      class: job.class,
      submittedAtMs: job.submitted_at.getTime(),
    },
    scenario: {
      id: job.scenario,
      visibility: chain.visibility,
      joins: chain.joins,
      products,
    },
    profile,
    noiseKey,
    limits: config.jobLimits[job.class],
    autoRelease: chain.opinion?.autoRelease === true,
  };
}
