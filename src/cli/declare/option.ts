import { InvalidArgumentError, Option } from "commander";

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
  };
}

/** An option that may be given again and again. */
export function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, previous: string[] | undefined) => [
    ...(previous ?? []),
    value,
  ]);
}

export function oneOf(flags: string, description: string, values: readonly string[]): Option {
  return new Option(flags, description).choices(values);
}

/** How many items a list shows. */
export function limitOption(): Option {
  return new Option("--limit <n>", "most items to show").argParser(wholeNumber(1)).default(50);
}
