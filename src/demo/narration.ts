export function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}

/** The steps of the demonstration with their numbers, and the time that each took. */
export function createNarrator(print: (text: string) => void) {
  let number = 0;
  return async function step<T>(title: string, act: () => Promise<T>): Promise<T> {
    number += 1;
    print(`\n${String(number).padStart(2)}  ${title}`);
    return await act();
  };
}
