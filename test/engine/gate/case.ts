/** What the gate says to SQL that analysts and attackers write. `at`: the text at which the finding points. */
export interface GateCase {
  sql: string;
  form: "safe" | "public" | "refused";
  code?: string;
  at?: string;
}

export const safe = (sql: string): GateCase => ({ sql, form: "safe" });
export const refused = (sql: string, code: string, at?: string): GateCase => ({
  sql,
  form: "refused",
  code,
  ...(at === undefined ? {} : { at }),
});
