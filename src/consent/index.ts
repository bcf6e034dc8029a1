/**
 * Consent: what data providers say to linking their products with those of others under a scenario (R29). It must
 * never take silence for consent, nor a consent to other products or joins than a scenario has now.
 */
export { decideConsent } from "./decide.ts";
export { hasProvidersConsent, listConsents } from "./read.ts";
