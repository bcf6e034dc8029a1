import type { EgressProfile } from "#contract/profile.ts";

const basis = "test";
const of = (value: number) => ({ value, basis });

/** k = 10, p = 10 %, (2, 90 %), L3: the defaults of egress-review.md. */
export const PROFILE: EgressProfile = {
  id: "test",
  title: { zh: "测试", en: "Test" },
  minSubjects: of(10),
  pPercent: of(10),
  dominanceTwo: of(0.9),
  dominanceOneReview: of(0.5),
  dominanceTwoReview: of(0.667),
  maxQuantiles: of(9),
  modelFreedom: of(10),
  modelFit: of(0.999),
  groupShare: of(0.9),
  concentrationReview: of(0.45),
  sparseShareReview: of(0.2),
  maxKeys: of(4),
  maxRows: of(5000),
  maxGrade: { value: "L3", basis },
  reviewers: of(1),
};
