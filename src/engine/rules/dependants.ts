import type { Suppression } from "../evidence/index.ts";
import type { SafeQuery } from "../gate/index.ts";

/**
 * The last step over what is hidden: a complement may have hidden a witness (R17), and its aggregates go with it. Witnesses
 * are never shown, so they do not count among what is hidden.
 */
export function withDependants(query: SafeQuery, suppressed: readonly Suppression[]): Suppression[] {
  if (!query.aggregates.some((one) => one.isWitness)) return [...suppressed];
  return suppressed.map((one) => {
    const because = new Map(one.because);
    for (const [aggregate, { witnesses = [] }] of query.aggregates.entries()) {
      const hidden = witnesses.find((witness) => one.because.has(witness));
      if (hidden !== undefined && !because.has(aggregate)) because.set(aggregate, one.because.get(hidden)!);
    }
    for (const aggregate of one.because.keys()) if (query.aggregates[aggregate]!.isWitness) because.delete(aggregate);
    return { ...one, because, aggregates: new Set(because.keys()) };
  });
}
