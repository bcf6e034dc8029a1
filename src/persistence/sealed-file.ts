import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { AppError } from "#kernel/errors.ts";

/**
 * A large file, sealed so that any part of it can be read: a head with a random salt, then pieces that are sealed one
 * by one with AES-256-GCM under a key of this file only. A piece's nonce is its number and whether it is the last, so
 * that none can be exchanged, left out or cut off (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár,
 * 2015).
 */
const MAGIC = Buffer.from("SLUICEF1");
const SALT_BYTES = 32;
const TAG_BYTES = 16;
export const HEAD_BYTES = MAGIC.byteLength + SALT_BYTES;
/** Large enough to be a part of a multipart upload, small enough to be held in memory. */
export const PIECE_BYTES = 8 * 1024 ** 2;
export const SEALED_PIECE_BYTES = PIECE_BYTES + TAG_BYTES;

export interface FileSeal {
  readonly head: Buffer;
  seal(piece: Uint8Array, at: PiecePlace): Buffer;
  /** Throws `object_missing` for what was changed. */
  unseal(sealed: Uint8Array, at: PiecePlace): Buffer;
}

export interface PiecePlace {
  index: number;
  last: boolean;
}

/** A seal for a new file, named by what it will be looked up by. */
export function createFileSeal(key: Buffer, name: string): FileSeal {
  return fileSeal({ key, name, salt: randomBytes(SALT_BYTES) });
}

/** The seal of a file that was stored. Throws `object_missing` for another kind of file. */
export function readFileSeal(key: Buffer, name: string, head: Uint8Array): FileSeal {
  const bytes = Buffer.from(head);
  if (bytes.byteLength !== HEAD_BYTES || !bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) {
    throw new AppError("object_missing", "the stored file has another form");
  }
  return fileSeal({ key, name, salt: bytes.subarray(MAGIC.byteLength) });
}

/** How many pieces a file of this size has; an empty one has an empty piece. */
export function pieceCount(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / PIECE_BYTES));
}

export function sealedSize(bytes: number): number {
  return HEAD_BYTES + bytes + pieceCount(bytes) * TAG_BYTES;
}

function fileSeal({ key, name, salt }: { key: Buffer; name: string; salt: Buffer }): FileSeal {
  const fileKey = Buffer.from(hkdfSync("sha256", key, salt, `sluice file ${name}`, 32));
  return {
    head: Buffer.concat([MAGIC, salt]),
    seal: (piece, at) => {
      const cipher = createCipheriv("aes-256-gcm", fileKey, nonceOf(at));
      return Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
    },
    unseal: (sealed, at) => {
      if (sealed.byteLength < TAG_BYTES) throw new AppError("object_missing", "the stored file was cut off");
      const end = sealed.byteLength - TAG_BYTES;
      const decipher = createDecipheriv("aes-256-gcm", fileKey, nonceOf(at)).setAuthTag(sealed.subarray(end));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
      } catch (cause) {
        throw new AppError("object_missing", "the stored file was changed", { cause });
      }
    },
  };
}

function nonceOf({ index, last }: PiecePlace): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(index, 7);
  nonce.writeUInt8(last ? 1 : 0, 11);
  return nonce;
}
