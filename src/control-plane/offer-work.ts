import { type AuditContext, withAudit } from "#audit/index.ts";
import { checkAuthority, type ValidChain } from "#authority/index.ts";
import { claimIngest, getMounts, mountsOf } from "#catalogue/index.ts";
import type { MountedProduct } from "#contract/engine.ts";
import type { EgressProfile } from "#contract/profile.ts";
import type { JobOffer, LeaseRequest, Offer } from "#contract/runner.ts";
import { isAppError } from "#kernel/errors.ts";
import { claimJobs, failJob } from "#jobs/index.ts";
import type { Deployment } from "./deployment.ts";
import { noteEnds, tellEvents } from "./security-news.ts";

export const LEASE_MS = 30_000;

export interface OfferedWork {
  offers: Offer[];
  /** Bytes of the render offers, in their order. */
  parts: Uint8Array[];
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
    const off = deployment.signal.onWork(resolve);
    const timer = setTimeout(resolve, Math.max(0, deadline - performance.now()));
    gone.addEventListener("abort", () => resolve(), { once: true });
    try {
      if (gone.aborted) return { offers: [], parts: [] };
      const offered = await offerWork(deployment, request);
      if (offered.offers.length > 0 || performance.now() >= deadline) return offered;
      await promise;
    } finally {
      clearTimeout(timer);
      off();
    }
  }
}

async function offerWork(deployment: Deployment, request: LeaseRequest): Promise<OfferedWork> {
  if (request.kind === "jobs") return { offers: await offerJobs(deployment, request), parts: [] };
  if (request.kind === "ingests") {
    const ingest = await offerIngest(deployment, request.runner);
    return { offers: ingest ? [ingest] : [], parts: [] };
  }
  const render = deployment.renders.take();
  return render ? { offers: [render.offer], parts: [render.bytes] } : { offers: [], parts: [] };
}

async function offerIngest({ db, clock, config }: Deployment, runner: string): Promise<Offer | undefined> {
  const by = { actor: { kind: "runner" as const, id: runner }, clock };
  return withAudit(db, by, async (context) =>
    claimIngest(context, { runner, leaseMs: LEASE_MS, dataDirectory: config.dataDirectory }),
  );
}

async function offerJobs(deployment: Deployment, { runner, places: limit }: LeaseRequest): Promise<JobOffer[]> {
  const by = { actor: { kind: "runner" as const, id: runner }, clock: deployment.clock };
  const done = await withAudit(deployment.db, by, async (context) => {
    const jobs = await claimJobs(context, { runner, leaseMs: LEASE_MS, limit });
    const offers: JobOffer[] = [];
    const failed: string[] = [];
    for (const job of jobs) {
      const offer = await offerOf(deployment, context, job).catch(refusalOf);
      if (typeof offer !== "string") {
        offers.push(offer);
        continue;
      }
      await failJob(context, job, offer);
      failed.push(job.id);
    }
    return { offers, events: await noteEnds(deployment, context, failed) };
  });
  tellEvents(deployment, done.events);
  return done.offers;
}

/** A version that was withdrawn or is of another format ends the jobs that need it, and no other job waits for them. */
function refusalOf(error: unknown): "product_unavailable" {
  if (isAppError(error, "product_unavailable") || isAppError(error, "version_unsupported"))
    return "product_unavailable";
  throw error;
}

type ClaimedJob = Awaited<ReturnType<typeof claimJobs>>[number];

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

function jobOffer({ config }: Deployment, { job, chain, products, profile }: Mounted): JobOffer {
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
    limits: config.jobLimits[job.class],
    autoRelease: chain.opinion?.autoRelease === true,
  };
}
