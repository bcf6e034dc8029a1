import type { Atom, Condition } from "../gate/index.ts";

/** The condition without one of its parts, for each part: conditions, alternatives, listed values. */
export function leaveOut(condition: Condition): Condition[] {
  return condition.flatMap((atoms, j) => {
    const others = condition.filter((_, i) => i !== j);
    const instead = (replaced: Atom[]): Condition => condition.map((own, i) => (i === j ? replaced : own));
    const parts = atoms.flatMap((atom, i): Condition[] => {
      if (atom.constant) return [];
      const rest = atoms.filter((_, other) => other !== i);
      return [instead(rest), ...shorterLists(atom).map((shorter) => instead([...rest, shorter]))];
    });
    return others.length === 0 ? parts : [others, ...parts];
  });
}

function shorterLists(atom: Atom): Atom[] {
  const { expression, list } = atom;
  if (!list || expression.kind !== "in") return [];
  return expression.children.slice(1).map((_, value) => {
    const children = expression.children.filter((_child, i) => i !== value + 1);
    return { ...atom, expression: { ...expression, children } };
  });
}
