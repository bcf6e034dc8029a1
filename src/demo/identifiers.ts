/** Identity number of a resident (GB 11643): 6 digits of division, 8 of birth, 3 of sequence, and a check. */
export function idCard(division: string, birthDate: string, sequence: number): string {
  const body = division + birthDate.replaceAll("-", "") + String(sequence).padStart(3, "0");
  return body + idCardCheck(body);
}

const ID_CARD_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const ID_CARD_CHECKS = "10X98765432";

/** Check character of the first 17 digits. */
export function idCardCheck(body: string): string {
  return ID_CARD_CHECKS.charAt(weightedSum(body, ID_CARD_WEIGHTS, "0123456789") % 11);
}

/** Alphabet of GB 32100: no I, O, S, V, Z. */
export const CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const CREDIT_WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/**
 * Unified social credit code (GB 32100) of an enterprise: department 9, kind 1, division, 8 characters of the
 * organisation with their own check (GB 11714), and the check of the whole.
 */
export function creditCode(division: string, organisation: string): string {
  const body = `91${division}${organisation}${organisationCheck(organisation)}`;
  return body + creditCheck(body);
}

/** Check character of the first 17 characters. */
export function creditCheck(body: string): string {
  return CREDIT_ALPHABET.charAt((31 - (weightedSum(body, CREDIT_WEIGHTS, CREDIT_ALPHABET) % 31)) % 31);
}

const ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2];
const ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** GB 11714: 11 is written 0 and 10 is written X. */
export function organisationCheck(organisation: string): string {
  const check = 11 - (weightedSum(organisation, ORGANISATION_WEIGHTS, ORGANISATION_ALPHABET) % 11);
  return check === 11 ? "0" : check === 10 ? "X" : String(check);
}

function weightedSum(text: string, weights: readonly number[], alphabet: string): number {
  return weights.reduce((sum, weight, index) => {
    const value = alphabet.indexOf(text.charAt(index));
    if (text.length <= index || value < 0) throw new RangeError("not a character of this identifier");
    return sum + weight * value;
  }, 0);
}
