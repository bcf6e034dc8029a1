/*
 * Part 8: UTF-8 to text. An isolate has no decoder of its own and interpreted code is slow, so that as much as can be
 * is left to V8's own functions.
 */
const LATIN1_CHUNK = 8192;
const MOST_CACHED_TEXTS = 4096;
const PERCENT = [];
for (let byte = 0; byte < 256; byte++) PERCENT[byte] = `%${HEX[byte >> 4]}${HEX[byte & 15]}`;

function latin1Text(stream, [offset, length]) {
  let text = "";
  for (let i = 0; i < length; i += LATIN1_CHUNK) {
    const count = length - i < LATIN1_CHUNK ? length - i : LATIN1_CHUNK;
    text += apply(fromCharCode, undefined, new TYPED_ARRAYS.Uint8Array(stream, offset + i, count));
  }
  return text;
}

function decodedText(utf8, known) {
  const found = mapGet(known, utf8);
  if (found !== undefined) return found;
  const text = decodeUri(percentEncoded(utf8));
  if (mapSize(known) < MOST_CACHED_TEXTS) mapSet(known, utf8, text);
  return text;
}

/** Characters are bytes here. */
function percentEncoded(utf8) {
  let text = "";
  for (let i = 0; i < utf8.length; i++) text += PERCENT[stringCodeUnit(utf8, i)];
  return text;
}
