import { Type, type Static, type TSchema } from "typebox";

/** One of a closed list of words, typed as their union. */
export function OneOf<const T extends readonly string[]>(values: T, options: { description?: string } = {}) {
  return Type.Unsafe<T[number]>(Type.String({ enum: [...values], ...options }));
}

/** Names that people choose (organisations, products, scenarios): also safe as SQL identifiers and file names. */
export const Name = Type.String({ pattern: "^[a-z][a-z0-9_-]{0,62}$", description: "Lower-case name" });
/** A column or output name as a developer or provider writes it. */
export const ColumnName = Type.String({ minLength: 1, maxLength: 128 });
export const Day = Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description: "Calendar day, YYYY-MM-DD" });
export const Instant = Type.String({ format: "date-time" });
export const DigestText = Type.String({ pattern: "^sha256:[0-9a-f]{64}$" });
export const GRADES = ["L1", "L2", "L3", "L4"] as const;
export const Grade = OneOf(GRADES, { description: "Grade of the data, least to most sensitive" });
export type Grade = Static<typeof Grade>;

export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: Type.Optional(Type.String({ maxLength: 400 })),
  },
  { additionalProperties: false },
);

/** A list answer: `next` is the cursor of the following page, absent on the last. */
export function Page<T extends TSchema>(item: T) {
  return Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });
}

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String()),
    requestId: Type.Optional(Type.String()),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { description: "RFC 9457 problem details with a stable code" },
);
export type Problem = Static<typeof Problem>;

/** The highest of some grades; `L1` of none. */
export function highestGrade(grades: readonly string[]): Grade {
  return GRADES[Math.max(0, ...grades.map((grade) => GRADES.indexOf(grade as Grade)))]!;
}
