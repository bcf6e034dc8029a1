/**
 * The catalogue of data products: declarations, immutable versions, the queue in which runners make them from their
 * sources, who may see what of them, and what of them is mounted.
 *
 * It must never open a source's contents (it digests the file, runners read it), show or log the password of a
 * database address, let a source lie outside the configured roots, or publish a version that is not what was declared.
 */
export { checkSpec, requireSpec, type SpecProblem } from "./check-spec.ts";
export { checkSource, type CheckedSource } from "./source.ts";
export { publishProduct, type Publication, type PublicationResult } from "./publish.ts";
export {
  claimIngest,
  finishIngest,
  heartbeatIngest,
  type IngestEnd,
  type IngestError,
  reportIngestProgress,
  requeueLostIngests,
} from "./ingest.ts";
export { findIngestDirectory } from "./ingest-directory.ts";
export { withdrawVersion, type Withdrawal } from "./withdraw.ts";
export { getProduct, listProducts, type CatalogueReader } from "./products.ts";
export { getMounts, mountsOf, type MountableVersion, type MountingChain } from "./mounts.ts";
