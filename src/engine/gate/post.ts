import { mapExpression, placeOf, someExpression, type Expression } from "./expression.ts";
import { SCALAR_FUNCTIONS } from "./functions.ts";
import { refuse } from "./refusal.ts";

/** An expression over cells: free arithmetic and text functions, because it sees only what may leave. */
export function readPost(expression: Expression): Expression {
  someExpression(expression, (part) => {
    if (part.kind === "call" && !SCALAR_FUNCTIONS.has(part.name)) {
      refuse("post_form_refused", { at: placeOf(part), construct: `${part.name}()` });
    }
    return false;
  });
  return expression;
}

/** Positions in a child's output become what stands there. */
export function substitute(expression: Expression, columns: readonly Expression[]): Expression {
  return mapExpression(expression, (part) => {
    if (part.kind !== "ref") return undefined;
    const column = columns[part.index];
    if (!column) throw new Error("a plan reference points outside its child");
    return column;
  });
}
