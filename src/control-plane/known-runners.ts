import type { EventDraft } from "#security/index.ts";

/** What this process has seen of runners since it started. */
export interface KnownRunners {
  /** Takes note of a runner; answers with events for what is new about it. */
  learn(runner: string, confinement: string | undefined, nowMs: number): EventDraft[];
}

/** A runner's name is its own choice: so many are remembered, the oldest go. */
const MAX_RUNNERS = 1000;

export function createKnownRunners(): KnownRunners {
  const known = new Map<string, string | undefined>();
  return {
    learn: (runner, confinement, nowMs) => {
      const isNew = !known.has(runner);
      const before = known.get(runner);
      const told = confinement ?? before;
      if (!isNew && told === before) return [];
      if (isNew && known.size >= MAX_RUNNERS) known.delete(known.keys().next().value ?? "");
      known.set(runner, told);
      const place = { runner, confinement: told, atMs: nowMs };
      return [
        ...(isNew ? [{ ...place, kind: "runner.started" as const, text: runner, details: {} }] : []),
        ...(told === undefined || told === before ? [] : [confinementEvent(place, told, before)]),
      ];
    },
  };
}

/** A plain child process is no confinement, and a confinement that changes is worth a look. */
function confinementEvent(
  place: { runner: string; atMs: number },
  confinement: string,
  before: string | undefined,
): EventDraft {
  const text = before === undefined ? confinement : `${confinement}, before ${before}`;
  const weak = confinement === "process" || before !== undefined;
  return {
    ...place,
    confinement,
    kind: "confinement.reported",
    text,
    details: before === undefined ? {} : { before },
    ...(weak ? { severity: "warning" as const } : {}),
  };
}
