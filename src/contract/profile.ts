import { Type, type Static } from "typebox";
import { Grade, Name } from "./common.ts";

const Numbered = Type.Object(
  { value: Type.Number(), basis: Type.String({ minLength: 1, description: "Law, standard or agreement" }) },
  { additionalProperties: false },
);

/** The numbers by which a result is judged; every number carries the basis that it stands on. */
export const EgressProfile = Type.Object(
  {
    id: Name,
    title: Type.Object({ zh: Type.String(), en: Type.String() }),
    /** R1, R2: fewest distinct subjects (and non-neutral contributors) in a cell. */
    minSubjects: Numbered,
    /** R5: p of the p % rule on subject totals. */
    pPercent: Numbered,
    /** R6: a cell fails when its two largest subjects hold more than this share (0..1). */
    dominanceTwo: Numbered,
    /** R6: a cell goes to a person when its largest subject holds more than this share (0..1). */
    dominanceOneReview: Numbered,
    /** R6: likewise for the two largest subjects. */
    dominanceTwoReview: Numbered,
    /** R10: most quantiles of one cell. */
    maxQuantiles: Numbered,
    /** R12: fewest subjects beyond the parameters of a line, and the largest share of the spread that it may explain (0..1). */
    modelFreedom: Numbered,
    modelFit: Numbered,
    /** R7: share of a cell in one sensitive class (0..1), from which on it tells about everybody in the cell. */
    groupShare: Numbered,
    /** R14: sum of the squared shares of a value's contributors (0..1), above which a person looks. */
    concentrationReview: Numbered,
    /** R20: share of small cells (0..1), above which a person looks. */
    sparseShareReview: Numbered,
    /** R20: most key columns and most rows without a person. */
    maxKeys: Numbered,
    maxRows: Numbered,
    /** R28: highest grade of a column that may contribute to an automatic release. */
    maxGrade: Type.Object({ value: Grade, basis: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
    /** How many different reviewers must approve. */
    reviewers: Numbered,
    /** R16: how what is shown is rounded, after suppression. A profile without it does not round. */
    rounding: Type.Optional(
      Type.Object(
        {
          /** Counts are shown as multiples of this. */
          counts: Numbered,
          /** Most significant digits of sums, and of means, shares and deviations. */
          sumDigits: Numbered,
          meanDigits: Numbered,
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type EgressProfile = Static<typeof EgressProfile>;
