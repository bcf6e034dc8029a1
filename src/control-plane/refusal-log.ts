import type { EventDraft } from "#security/index.ts";

export interface RefusedRequest {
  code: string;
  method: string;
  route: string;
  address: string;
  organisation?: string | undefined;
  subject?: string | undefined;
}

/** Refused requests of the last seconds, counted together: a flood of them must not become a flood of rows. */
export interface RefusalLog {
  note(refused: RefusedRequest): void;
  /** What was noted since the last call, as events. */
  take(nowMs: number): EventDraft[];
}

/** More callers and codes than this are counted as one: what is kept in memory is bounded. */
const MAX_KINDS = 500;

export function createRefusalLog(): RefusalLog {
  let counts = new Map<string, { refused: RefusedRequest; count: number }>();
  return {
    note: (refused) => {
      const key = keyOf(refused);
      const kept = counts.has(key) || counts.size < MAX_KINDS ? refused : others(refused);
      const entry = counts.get(keyOf(kept));
      if (entry) entry.count += 1;
      else counts.set(keyOf(kept), { refused: kept, count: 1 });
    },
    take: (nowMs) => {
      const taken = counts;
      counts = new Map();
      return [...taken.values()].map(({ refused, count }) => eventOf(refused, count, nowMs));
    },
  };
}

function keyOf({ code, method, route, address, organisation, subject }: RefusedRequest): string {
  return JSON.stringify([code, method, route, address, organisation, subject]);
}

function others({ code }: RefusedRequest): RefusedRequest {
  return { code, method: "ANY", route: "*", address: "*" };
}

function eventOf(refused: RefusedRequest, count: number, nowMs: number): EventDraft {
  const { code, method, route, address, organisation, subject } = refused;
  const who = subject === undefined ? address : `${subject} of ${organisation ?? ""}`;
  const text = `${code}: ${method} ${route} by ${who}${count === 1 ? "" : `, ${count} times`}`;
  const details = { code, method, route, count, address, ...(subject === undefined ? {} : { subject }) };
  return { kind: "access.refused", atMs: nowMs, text, details, organisation };
}
