import { AppError } from "#kernel/errors.ts";

export interface Period {
  validFrom: string;
  validTo: string;
}

/** Whether the text is a day of the calendar, as `YYYY-MM-DD`. */
export function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === text;
}

/** Whether both ends are days and in order. */
export function isPeriod(period: Period): boolean {
  return isDay(period.validFrom) && isDay(period.validTo) && period.validFrom <= period.validTo;
}

export function isWithin(inner: Period, outer: Period): boolean {
  return inner.validFrom >= outer.validFrom && inner.validTo <= outer.validTo;
}

export function requirePeriod(period: Period): void {
  if (!isPeriod(period)) throw new AppError("invalid_request", "validFrom and validTo must be days in order");
}
