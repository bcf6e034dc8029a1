import type { SecurityEventFilter } from "#client/index.ts";
import type { SecurityEvent } from "#contract/security.ts";
import { usageError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { writeOutput } from "../input.ts";
import { collect, listOutcome, objectOutcome, takeItems } from "../list.ts";
import { printable } from "../print/printable.ts";
import type { CommandBody } from "../terminal.ts";

export interface EventOptions extends SecurityEventFilter {
  follow?: boolean;
  limit: number;
}

export const showEvents: CommandBody<EventOptions> = async ({ terminal, options }) => {
  const filter = filterOf(options);
  const client = await connect(terminal);
  if (options.follow === true) {
    const events = client.security.follow(filter, { signal: terminal.signal });
    return { status: 0, json: async () => ({ items: await collect(events) }), text: () => eventLines(events) };
  }
  return listOutcome(await takeItems(client.security.events(filter), options.limit), {
    at: ({ at }) => at,
    severity: ({ severity }) => severity,
    kind: ({ kind }) => kind,
    job: ({ job }) => job ?? "",
    organisation: ({ organisation }) => organisation ?? "",
    text: ({ text }) => shortened(text),
  });
};

/** As the server streams it: nothing is held in memory. */
export const exportEvents: CommandBody<EventOptions & { out?: string }> = async ({ terminal, options }) => {
  const filter = filterOf(options);
  const client = await connect(terminal);
  const response = await client.security.export(filter, { signal: terminal.signal });
  if (options.out === undefined) {
    return {
      status: 0,
      json: async () => ({ items: jsonLines(await response.text()) }),
      text: () => piecesOf(response),
    };
  }
  await writeOutput(terminal, options.out, piecesOf(response));
  return objectOutcome({ file: options.out }, options.out);
};

function filterOf(options: EventOptions): SecurityEventFilter {
  const { job, organisation, scenario, kind, severity, text } = options;
  const since = instant("--since", options.since);
  const until = instant("--until", options.until);
  return { job, organisation, scenario, kind, severity, since, until, text };
}

/** An instant as the server takes it; a day or a local time is one too. */
export function instant(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw usageError(`${flag} takes a time like 2026-11-23T08:00:00Z`);
  return at.toISOString();
}

const SHORT = 100;

function shortened(text: string): string {
  return text.length > SHORT ? `${text.slice(0, SHORT - 1)}…` : text;
}

async function* eventLines(events: AsyncIterable<SecurityEvent>): AsyncGenerator<string, void> {
  for await (const { at, severity, kind, job, organisation, text } of events) {
    yield `${[at, severity.padEnd(7), kind, job ?? organisation ?? "-", text].map(printable).join("  ")}\n`;
  }
}

async function* piecesOf(response: Response): AsyncGenerator<Uint8Array, void> {
  if (response.body) yield* response.body;
}

function jsonLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}
