/**
 * Text that a database can keep as it came: PostgreSQL has no null character, and half a surrogate pair has no UTF-8.
 */
export function isStorableText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** Whether all texts of a JSON value are storable, the names of members included. */
export function hasStorableTexts(value: unknown): boolean {
  if (typeof value === "string") return isStorableText(value);
  if (Array.isArray(value)) return value.every(hasStorableTexts);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return true;
  return Object.entries(value).every(([name, member]) => isStorableText(name) && hasStorableTexts(member));
}

/** A copy of a JSON value in which U+FFFD stands for what cannot be stored; the value itself when all of it can. */
export function withStorableTexts<T>(value: T): T {
  return hasStorableTexts(value) ? value : (repaired(value) as T);
}

function repaired(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("\0", "\uFFFD").toWellFormed();
  if (Array.isArray(value)) return value.map(repaired);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [repaired(name) as string, repaired(member)]),
  );
}
