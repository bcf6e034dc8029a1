/**
 * UTF-8 for the bundles: an isolate has neither `TextDecoder` nor `TextEncoder`. Seen by the bundled code only, never
 * by a script.
 */
const CHUNK = 8192;

/** Ill-formed bytes are a `URIError`: the bundled code decodes only what it or the engine encoded. */
export class TextDecoder {
  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    let text = "";
    for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
    return /^[\0-\x7f]*$/.test(text) ? text : decodeURIComponent(percentEncoded(text));
  }
}

export class TextEncoder {
  encode(text = ""): Uint8Array {
    const bytes: number[] = [];
    for (const character of text) pushBytes(bytes, character.codePointAt(0) ?? 0);
    return Uint8Array.from(bytes);
  }
}

function percentEncoded(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Half a surrogate pair becomes the replacement character, as the standard has it. */
function pushBytes(bytes: number[], point: number): void {
  const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
  const tail = (shift: number) => 0x80 | ((code >> shift) & 0x3f);
  if (code < 0x80) bytes.push(code);
  else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(0));
  else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(6), tail(0));
  else bytes.push(0xf0 | (code >> 18), tail(12), tail(6), tail(0));
}
