import type { Outcomes } from "./harness.ts";

/** It ran to its end and found nothing: what it says itself is searched for canaries like everything else. */
const NOTHING: Outcomes = ["succeeded"];
const REFUSED: Outcomes = ["script_error"];
/** It ran against a limit: which one first depends on the machine. */
const ENDED: Outcomes = ["timeout", "memory_limit", "crashed"];

/** Our payloads by the names of their files. */
export const OUR_OUTCOMES: Readonly<Record<string, Outcomes>> = {
  "escape-broken-reader": NOTHING,
  "escape-buffer-of-column": NOTHING,
  "escape-call-site-of-library": NOTHING,
  "escape-closes-wrapper": REFUSED,
  "escape-errors-of-host-calls": NOTHING,
  "escape-forged-result": NOTHING,
  "escape-hooked-promises": NOTHING,
  "escape-import-everything": NOTHING,
  "escape-library-reaches-out": NOTHING,
  "escape-poisoned-require": NOTHING,
  "escape-proto-columns": NOTHING,
  "escape-sql-text-channel": NOTHING,
  "exhaust-arquero-cross": [...ENDED, "script_error"],
  "exhaust-class-towers": [...ENDED, "script_error"],
  "exhaust-compile-flood": [...ENDED, "script_error"],
  "exhaust-finally": ENDED,
  "exhaust-inspect": [...ENDED, "succeeded"],
  "exhaust-json-deep": [...ENDED, "output_invalid"],
  "exhaust-labels": ENDED,
  "exhaust-log": [...ENDED, "succeeded"],
  "exhaust-long-array": [...ENDED, "script_error"],
  "exhaust-outputs": [...ENDED, "succeeded"],
  "exhaust-promise-tree": ENDED,
  "exhaust-queries-side-by-side": [...ENDED, "succeeded"],
  "exhaust-rope": [...ENDED, "script_error"],
  "exhaust-sort-comparator": [...ENDED, "script_error"],
  "exhaust-thrown-getter": [...ENDED, "script_error"],
  "leak-column-names": NOTHING,
  "leak-error-text": REFUSED,
  "leak-log": NOTHING,
  "leak-nested-result": NOTHING,
  "leak-output-names": NOTHING,
  "leak-refused-query-text": NOTHING,
};

/** Payloads from outside by the first three characters of their names, else by the first: their kind. */
export const OTHER_OUTCOMES: Readonly<Record<string, Outcomes>> = {
  E: NOTHING,
  E01: REFUSED,
  // a getter that loops while the output is written
  E13: ["timeout"],
  E15: REFUSED,
  R: ENDED,
  // what they need is not there, or is caught
  R05: NOTHING,
  R06: NOTHING,
  R12: ["timeout"],
  R14: NOTHING,
  R16: NOTHING,
  R17: ["timeout"],
  R19: ["timeout"],
  R21: REFUSED,
  R22: [...ENDED, "output_invalid"],
  R24: [...ENDED, ...REFUSED],
  R27: REFUSED,
  R31: [...ENDED, ...NOTHING],
  R33: ["output_too_large"],
  R34: [...ENDED, ...REFUSED],
  R38: REFUSED,
  R39: NOTHING,
  R45: REFUSED,
  X: NOTHING,
  // they ask for columns that no script may select
  X01: ["plan_refused"],
  X03: ["plan_refused"],
  // their result cannot be reversed in place
  X13: REFUSED,
};
