import { randomFillSync } from "node:crypto";

/** Prefix of every identifier that the system makes itself. */
export const ID_PREFIX = {
  job: "job",
  egressRequest: "egr",
  release: "rel",
  review: "rev",
  filing: "fil",
  agreement: "agr",
  opinion: "opn",
  productVersion: "pv",
  lease: "lse",
  runner: "run",
  request: "req",
  incident: "inc",
  alarm: "alm",
  suspension: "sus",
  restore: "rst",
} as const;

export type IdKind = keyof typeof ID_PREFIX;
export type Id<K extends IdKind> = `${(typeof ID_PREFIX)[K]}_${string}`;

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const random = new Uint8Array(10);

/**
 * A sortable identifier: prefix, 10 characters of milliseconds since 1970 (48 bits) and 16 of randomness
 * (80 bits), both in Crockford base 32.
 */
export function createId<K extends IdKind>(kind: K, nowMs: number): Id<K> {
  randomFillSync(random);
  return `${ID_PREFIX[kind]}_${encodeTime(nowMs)}${encodeRandom(random)}`;
}

function encodeTime(nowMs: number): string {
  let rest = nowMs;
  let text = "";
  for (let i = 0; i < 10; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function encodeRandom(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  for (let i = 0; i < 16; i++) {
    text = ALPHABET.charAt(Number(bits & 31n)) + text;
    bits >>= 5n;
  }
  return text;
}
