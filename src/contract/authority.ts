/** Why a chain of authority does not hold: the closed list of what `checkAuthority` can say. */
export const AUTHORITY_REASONS = {
  scenario_unknown: "There is no such scenario, or it belongs to another organisation",
  scenario_not_active: "The scenario is not in a state in which this may be done",
  scenario_suspended: "The scenario is suspended",
  organisation_suspended: "The organisation is suspended",
  head_agreement_not_started: "The head agreement is not in force yet",
  head_agreement_expired: "The head agreement has ended",
  agreement_missing: "No cooperation agreement was signed",
  agreement_not_started: "The cooperation agreement is not in force yet",
  agreement_expired: "The cooperation agreement has ended",
  filing_missing: "The filing of the cooperation agreement was not accepted",
  opinion_missing: "There is no pre-review opinion whose filing was accepted",
  opinion_not_effective: "The pre-review opinion is not in effect",
  product_unpublished: "A data product of the scenario has no published version",
} as const;

export type AuthorityReason = keyof typeof AUTHORITY_REASONS;
