import type { Logger } from "pino";
import type { AuditGroup } from "#audit/index.ts";
import type { Config } from "#config/index.ts";
import type { Image } from "#contract/image.ts";
import type { RenderQueue } from "#egress/index.ts";
import type { Authenticator } from "#identity/index.ts";
import type { Clock } from "#kernel/clock.ts";
import type { Database, DatabaseHandle, ObjectStore, ProductStore } from "#persistence/index.ts";
import type { PolicyBundle } from "#policy/index.ts";
import type { Sender, WebhookSecrets } from "#webhooks/index.ts";
import type { JobSignal } from "./job-signal.ts";
import type { Metrics } from "./metrics.ts";
import type { KnownRunners } from "./known-runners.ts";
import type { RefusalLog } from "./refusal-log.ts";

/** The parts of one running control plane: made once in `bin`, passed by argument, never looked up. */
export interface Deployment {
  readonly config: Config;
  readonly clock: Clock;
  readonly handle: DatabaseHandle;
  readonly db: Database;
  readonly bundle: PolicyBundle;
  readonly images: ReadonlyMap<string, Image>;
  readonly objects: ObjectStore;
  /** Files of data products, for machines that do not have them. */
  readonly products: ProductStore;
  /** For engines only (`NoiseKey`). */
  readonly noiseKey: string;
  readonly authenticator: Authenticator;
  readonly signal: JobSignal;
  /** Writes that share transactions: what developers submit, and what runners take and report. */
  readonly writes: { readonly submissions: AuditGroup; readonly work: AuditGroup };
  readonly renders: RenderQueue;
  /** Requests that were refused, until they are written to the security log. */
  readonly refusals: RefusalLog;
  readonly runners: KnownRunners;
  readonly webhooks: { secrets: WebhookSecrets; sender: Sender };
  readonly metrics: Metrics;
  /** Aborted when the server stops: who waits for work is told that there is none. */
  readonly stopping?: AbortSignal;
  readonly log: Logger;
}
