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
    /**
     * What is added to minSubjects on the average, by a secret of the deployment and the set of subjects; 0: nothing. The
     * deviation is half of it, the greatest addition two and a half times (`engine/rules/threshold.ts`).
     */
    thresholdNoise: Numbered,
    /** R5: p of the p % rule on subject totals. */
    pPercent: Numbered,
    /** R6: a cell fails when its two largest subjects hold more than this share (0..1). */
    dominanceTwo: Numbered,
    /** R6: a cell goes to a person when its largest subject holds more than this share (0..1). */
    dominanceOneReview: Numbered,
    /** R6: likewise for the two largest subjects. */
    dominanceTwoReview: Numbered,
    /** R20: share of small cells (0..1), above which a person looks. */
    sparseShareReview: Numbered,
    /** R20: most key columns and most rows without a person. */
    maxKeys: Numbered,
    maxRows: Numbered,
    /** R28: highest grade of a column that may contribute to an automatic release. */
    maxGrade: Type.Object({ value: Grade, basis: Type.String() }, { additionalProperties: false }),
    /** How many different reviewers must approve. */
    reviewers: Numbered,
  },
  { additionalProperties: false },
);
export type EgressProfile = Static<typeof EgressProfile>;

/** The deployment's secret behind `thresholdNoise`, in hexadecimal: for engines only, never for an isolate or a log. */
export const NoiseKey = Type.String({ pattern: "^[0-9a-f]{64}$" });
