import { AppError } from "#kernel/errors.ts";

/** What can be wrong with a policy directory. */
export type ProblemCode =
  | "file_missing"
  | "file_unknown"
  | "syntax"
  | "schema"
  | "policy_id"
  | "policy_reason"
  | "policy_basis"
  | "reason_text"
  | "profile_form"
  | "profile_range"
  | "profile_order"
  | "profile_missing"
  | "threshold_form"
  | "decision_unsafe"
  | "case_form";

export interface PolicyProblem {
  /** Path in the policy directory. */
  file: string;
  /** From 1, where it is known. */
  line?: number;
  code: ProblemCode;
  message: string;
}

/** The line of an offset; Cedar counts bytes. */
export function lineAtByte(text: string, offset: number): number {
  return Buffer.from(text).subarray(0, offset).toString("utf8").split("\n").length;
}

export function formatProblem({ file, line, message }: PolicyProblem): string {
  return `${file}${line === undefined ? "" : `:${line}`}: ${message}`;
}

export function invalidPolicies(problems: readonly PolicyProblem[]): AppError {
  return new AppError("configuration_invalid", ["policies:", ...problems.map(formatProblem)].join("\n- "));
}
