import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { ingestFailed } from "./failure.ts";

const MOST_HEADER_BYTES = 1 << 20;
const MOST_COLUMNS = 10_000;

/** The names in the first record of a CSV file (RFC 4180, UTF-8, a byte order mark is passed over). */
export async function readCsvHeader(path: string, delimiter: string): Promise<string[]> {
  const text = await readHead(path);
  const names = parseFirstRecord(text, delimiter);
  if (!names || names.every((name) => name === "")) throw ingestFailed("the CSV file has no header");
  if (names.length > MOST_COLUMNS) throw ingestFailed("the CSV file has more columns than the ingest accepts");
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw ingestFailed("the header names a column twice");
  return names;
}

async function readHead(path: string): Promise<string> {
  const file = createReadStream(path, { end: MOST_HEADER_BYTES - 1 });
  const stream = path.toLowerCase().endsWith(".gz") ? file.pipe(createGunzip()) : file;
  file.on("error", (error) => stream.destroy(error));
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).byteLength;
      if (length >= MOST_HEADER_BYTES) break;
    }
  } catch (error) {
    // a head of a long gzip file ends in the middle of its data
    if (length === 0) throw ingestFailed("the source cannot be read");
    if ((error as { code?: string }).code !== "Z_BUF_ERROR") throw ingestFailed("the source cannot be unpacked");
  } finally {
    file.destroy();
  }
  return new TextDecoder("utf-8").decode(Buffer.concat(chunks));
}

function parseFirstRecord(text: string, delimiter: string): string[] | undefined {
  const names: string[] = [];
  let at = 0;
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at, delimiter);
    if (!field) throw ingestFailed("the header of the CSV file does not end as it should");
    names.push(field.value);
    at = field.end;
    if (text[at] === delimiter) at++;
    else break;
  }
  if (at < text.length && text[at] !== "\n" && text[at] !== "\r") {
    throw ingestFailed("the header of the CSV file is not quoted as it should");
  }
  return text.length === 0 ? undefined : names;
}

interface Field {
  value: string;
  end: number;
}

function quotedField(text: string, begin: number): Field | undefined {
  let value = "";
  for (let at = begin + 1; at < text.length; at++) {
    if (text[at] !== '"') value += text[at];
    else if (text[at + 1] === '"') value += text[at++];
    else return { value, end: at + 1 };
  }
  return undefined;
}

function plainField(text: string, begin: number, delimiter: string): Field {
  let end = begin;
  while (end < text.length && text[end] !== delimiter && text[end] !== "\n" && text[end] !== "\r") end++;
  return { value: text.slice(begin, end), end };
}
