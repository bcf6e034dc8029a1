import type { CompareOperator, Expression } from "./expression.ts";
import { isMultiple } from "./generalise.ts";

/**
 * Round numbers: 0, or at most two significant digits, i.e. a multiple of the power of ten just below the leading
 * digit. So a developer cannot slide a limit past one subject's value after another. With `width`, multiples of it.
 */
export function alignedNumber(value: number, width?: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (width !== undefined) return isMultiple(value, width);
  if (value === 0) return true;
  return Number(value.toPrecision(2)) === value;
}

/** Whether a date limit falls between two whole periods of an allowed step. */
export function alignedPeriod(constant: Expression, operator: CompareOperator, steps: readonly string[]): boolean {
  const text = dateText(constant);
  if (text === undefined) return false;
  const day = new Date(`${text}T00:00:00Z`);
  if (operator === "<=" || operator === ">") day.setUTCDate(day.getUTCDate() + 1);
  return steps.some((step) => startsPeriod(day, step));
}

function dateText(constant: Expression): string | undefined {
  let part = constant;
  while (part.kind === "cast") part = part.child;
  if (part.kind !== "constant" || part.value === null) return undefined;
  return /^(\d{4}-\d{2}-\d{2})( 00:00:00)?$/.exec(part.value)?.[1];
}

function startsPeriod(day: Date, step: string): boolean {
  const month = day.getUTCMonth();
  if (day.getUTCDate() !== 1) return false;
  if (step === "month") return true;
  if (step === "quarter") return month % 3 === 0;
  if (step === "year") return month === 0;
  return step === "decade" && month === 0 && day.getUTCFullYear() % 10 === 0;
}
