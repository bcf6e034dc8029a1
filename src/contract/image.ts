import { Type, type Static } from "typebox";
import { DigestText } from "./common.ts";

/**
 * A sandbox image: what a job's `image` names, in `sandbox-images/<name>/<version>/image.json`. It says what the code
 * of a job meets (language, interface, limits) and which files of ours make that so.
 */
export const ImageDescription = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z][a-z0-9-]*$" }),
    version: Type.Integer({ minimum: 1 }),
    title: Type.Object({ zh: Type.String({ minLength: 1 }), en: Type.String({ minLength: 1 }) }),
    /** Which source a job of this image carries. */
    kind: Type.Union([Type.Literal("sql"), Type.Literal("javascript")]),
    /** Only for scenarios that the configuration of the server names (`SLUICE_JIT_SCENARIOS`). */
    needsGrant: Type.Optional(Type.Literal(true)),
    /** Flags of the Node.js process that runs it. */
    flags: Type.Array(Type.String({ pattern: "^--[a-z-]+$" })),
    /** Pinned versions of the packages that give the language its meaning. */
    runtime: Type.Record(Type.String(), Type.String()),
    /** Default limits, in the units of their names. */
    limits: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
    /** What the code may use, for people: names of the globals or constructs, and where they are described. */
    api: Type.Object({ summary: Type.String(), names: Type.Array(Type.String()), document: Type.String() }),
    /** Paths from the root of the product, sorted. Their digests are part of the image's digest. */
    files: Type.Array(Type.String({ pattern: "^[a-z][A-Za-z0-9./_-]*$" })),
  },
  { additionalProperties: false },
);
export type ImageDescription = Static<typeof ImageDescription>;

export const ImageLock = Type.Record(
  Type.String(),
  Type.Object(
    {
      digest: DigestText,
      files: Type.Record(Type.String(), DigestText),
    },
    { additionalProperties: false },
  ),
);
export type ImageLock = Static<typeof ImageLock>;

/** An image whose digest was checked against the lock. `reference` is `name@version`. */
export interface Image extends ImageDescription {
  readonly reference: string;
  /** SHA-256 over the canonical JSON of the description and the digests of its files. */
  readonly digest: string;
}
