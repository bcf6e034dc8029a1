/**
 * The release rules R1–R8, R10–R12, R14, R16, R17, R19, R20 and R28: one file each, pure functions from evidence and profile to what is
 * suppressed, blocked or sent to a person. No number lives here: all come from the profile.
 *
 * Must never see released values, never run a query, and never say a count, a threshold or which condition failed.
 */
export { judgeCells, type Judgement } from "./judge.ts";
export { findingOf, type RuleCase, type RuleOutcome } from "./rule.ts";
export { gradeRule } from "./r28-grade.ts";
export { roundingRule } from "./r16-rounding.ts";
export { isClear } from "./clear.ts";
export { withDependants } from "./dependants.ts";
export { cautiousRule, complementRule, linkedForm } from "./r17-linked.ts";
export { finestOf, keyText, type LinkedCells } from "./linked-tables.ts";
export type { LinkedJudgement, LinkedLeaf } from "./hiding.ts";
export { isFar } from "./r10-quantiles.ts";
export { isClearPair } from "./r12-models.ts";
export { greatestThreshold, thresholdOf } from "./threshold.ts";
