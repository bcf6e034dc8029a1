import { fileURLToPath } from "node:url";

/** The directory of the product itself: where `src`, `policies` and `sandbox-images` lie. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));
