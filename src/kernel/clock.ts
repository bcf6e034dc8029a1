/** Time is injected, so that expiry and deadlines can be tested. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Day of the instant in the given time zone, as `YYYY-MM-DD`. Validity periods are days in local time. */
export function localDay(clock: Clock, timeZone = "Asia/Shanghai"): string {
  return dayFormat(timeZone).format(clock.nowMs());
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" });
    formats.set(timeZone, format);
  }
  return format;
}
