import type { IsolateLimits, IsolateLog, IsolateQuery } from "#contract/isolate.ts";

/**
 * The limits of a script, counted again outside its process. The isolate keeps them itself, so a process that
 * exceeds them no longer runs our code as written: whoever sees `false` ends it.
 */
export interface IsolateCaps {
  log(lines: IsolateLog["lines"]): boolean;
  query(message: IsolateQuery): boolean;
  answered(): void;
  output(part: Uint8Array | undefined): boolean;
}

/** One more line than the limit says that the limit was reached. */
const LAST_LINE = 1;

export function createIsolateCaps(limits: IsolateLimits): IsolateCaps {
  let lines = 0;
  let queries = 0;
  let inFlight = 0;
  let outputs = 0;
  let outputBytes = 0;
  return {
    log: (more) => {
      lines += more.length;
      const fits = more.every(({ text }) => Buffer.byteLength(text) <= limits.logLineBytes);
      return fits && lines <= limits.logLines + LAST_LINE;
    },
    query: ({ sql }) => {
      queries++;
      inFlight++;
      const { queries: most, queriesInFlight, sqlCharacters } = limits;
      return queries <= most && inFlight <= queriesInFlight && sql.length <= sqlCharacters;
    },
    answered: () => {
      inFlight--;
    },
    output: (part) => {
      outputs++;
      outputBytes += part?.byteLength ?? 0;
      return outputs <= limits.outputs && outputBytes <= limits.outputBytes;
    },
  };
}
