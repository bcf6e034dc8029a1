import { columnsOf, type Atom, type Condition } from "../gate/index.ts";

/** The condition without one of its parts, for each part: conditions, those that go together, alternatives, listed values. */
export function leaveOut(condition: Condition): Condition[] {
  return condition.flatMap((atoms, j) => {
    const others = condition.filter((_, i) => i !== j);
    const instead = (replaced: Atom[]): Condition => condition.map((own, i) => (i === j ? replaced : own));
    const parts = atoms.flatMap((atom, i): Condition[] => {
      if (atom.constant) return [];
      const rest = atoms.filter((_, other) => other !== i);
      return [instead(rest), ...shorterLists(atom).map((shorter) => instead([...rest, shorter]))];
    });
    const joint = jointSets(atoms).map((set) => instead(atoms.filter((atom) => !set.includes(atom))));
    return others.length === 0 ? [...parts, ...joint] : [others, ...parts, ...joint];
  });
}

/**
 * Conditions that say the same thing twice are each left out without moving anybody. So are left out together, too: those
 * that look at one column, and all of them.
 */
export function jointSets(atoms: readonly Atom[]): Atom[][] {
  const asked = atoms.filter((atom) => !atom.constant && !atom.implied);
  const byColumns = Map.groupBy(asked, (atom) =>
    columnsOf(atom.expression)
      .map(({ table, name }) => `${table} ${name}`)
      .toSorted()
      .join(),
  );
  const ofOneColumn = [...byColumns.values()].filter((set) => set.length > 1);
  return byColumns.size > 1 ? [...ofOneColumn, asked] : ofOneColumn;
}

function shorterLists(atom: Atom): Atom[] {
  const { expression, list } = atom;
  if (!list || expression.kind !== "in") return [];
  return expression.children.slice(1).map((_, value) => {
    const children = expression.children.filter((_child, i) => i !== value + 1);
    return { ...atom, expression: { ...expression, children } };
  });
}
