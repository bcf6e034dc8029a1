/** One event of a `text/event-stream`. */
export interface ServerEvent {
  type: string;
  data: string;
  id: string | undefined;
}

/**
 * Parses a `text/event-stream` body (WHATWG HTML, section 9.2.6): lines may end in CR, LF or CRLF and may be cut
 * anywhere between two chunks; comments and unknown fields are skipped; an event without data is not one.
 */
export async function* readEventStream(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent, void> {
  let event = emptyEvent();
  for await (const line of readLines(body)) {
    if (line !== "") {
      addField(event, line);
      continue;
    }
    if (event.data.length > 0) yield { type: event.type || "message", data: event.data.join("\n"), id: event.id };
    event = { ...emptyEvent(), id: event.id };
  }
}

interface PartialEvent {
  type: string;
  data: string[];
  id: string | undefined;
}

function emptyEvent(): PartialEvent {
  return { type: "", data: [], id: undefined };
}

function addField(event: PartialEvent, line: string): void {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const field = colon === -1 ? line : line.slice(0, colon);
  const raw = colon === -1 ? "" : line.slice(colon + 1);
  const value = raw.startsWith(" ") ? raw.slice(1) : raw;
  if (field === "event") event.type = value;
  else if (field === "data") event.data.push(value);
  else if (field === "id" && !value.includes("\0")) event.id = value;
}

/** Lines as they are complete; a last line without an end is dropped, as the format demands. */
async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the end may be the first half of a CRLF: it waits for the next chunk.
    const held = rest.endsWith("\r") ? "\r" : "";
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? "") + held;
    yield* lines;
  }
  if (rest.endsWith("\r")) yield rest.slice(0, -1);
}
