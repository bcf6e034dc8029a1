import { AppError } from "#kernel/errors.ts";
import type { StepContext } from "./step-context.ts";

/**
 * Separation of duties, checked where the step is taken and not only at the route: the operator's steps belong to
 * the operator of the head agreement, the implementing body's to the implementing body. A development server may
 * let the operator take the other's steps, and says so in each audit entry.
 */
export function requireOperator(context: StepContext, operator: string): void {
  if (!isOperator(context, operator)) throw refusal("operator");
}

export function requireImplementingBody(context: StepContext): void {
  if (!isImplementingBody(context)) throw refusal("implementing_body");
}

/** Stopping is easier than starting: the operator, its security staff and the implementing body may do it. */
export function requireSupervision(context: StepContext, operator: string): void {
  const { actor } = context;
  const security = actor.organisation === operator && actor.roles?.includes("security") === true;
  if (!security && !isOperator(context, operator) && !isImplementingBody(context)) {
    throw refusal("operator, security or implementing_body");
  }
}

function isOperator({ actor }: StepContext, operator: string): boolean {
  return actor.organisation === operator && actor.roles?.includes("operator") === true;
}

function isImplementingBody(context: StepContext): boolean {
  return context.development === true || context.actor.roles?.includes("implementing_body") === true;
}

function refusal(who: string): AppError {
  return new AppError("forbidden", `This step belongs to the ${who} of the head agreement`);
}
