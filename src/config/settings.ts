import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { Name } from "#contract/common.ts";

/** How one environment variable is read: text → unknown, checked against the schema. */
export interface Setting<T extends TSchema> {
  schema: T;
  parse(text: string): unknown;
  /** What is said when the text does not fit; the text itself is never shown, it may be a secret. */
  expected: string;
}

/** Reads settings and collects what is wrong with them, so that all problems are told at once. */
export interface SettingsReader {
  readonly problems: string[];
  isSet(name: string): boolean;
  /** The value, or undefined when the variable is absent, empty or wrong (a problem then). */
  read<T extends TSchema>(name: string, setting: Setting<T>): Static<T> | undefined;
}

export function createSettingsReader(env: NodeJS.ProcessEnv): SettingsReader {
  const problems: string[] = [];
  const textOf = (name: string) => env[name]?.trim() ?? "";
  return {
    problems,
    isSet: (name) => textOf(name) !== "",
    read: (name, setting) => {
      const text = textOf(name);
      if (text === "") return undefined;
      const value = setting.parse(text);
      if (Value.Check(setting.schema, value)) return value;
      problems.push(`${name}: expected ${setting.expected}`);
      return undefined;
    },
  };
}

export const text: Setting<ReturnType<typeof Type.String>> = {
  schema: Type.String({ minLength: 1, maxLength: 4096 }),
  parse: (value) => value,
  expected: "a text",
};

export function integer(minimum: number, maximum: number): Setting<ReturnType<typeof Type.Integer>> {
  return {
    schema: Type.Integer({ minimum, maximum }),
    parse: (value) => (/^\d{1,15}$/.test(value) ? Number(value) : undefined),
    expected: `an integer from ${minimum} to ${maximum}`,
  };
}

const UNIT_BYTES: Readonly<Record<string, number>> = { "": 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Bytes, or a number with KiB, MiB or GiB. */
export function bytes(minimum: number, maximum: number): Setting<ReturnType<typeof Type.Integer>> {
  return {
    schema: Type.Integer({ minimum, maximum }),
    parse: (value) => {
      const [, number, unit] = /^(\d{1,15}) ?(KiB|MiB|GiB|)$/.exec(value) ?? [];
      return number === undefined ? undefined : Number(number) * (UNIT_BYTES[unit ?? ""] ?? Number.NaN);
    },
    expected: `bytes from ${minimum} to ${maximum}, also with KiB, MiB or GiB`,
  };
}

export function oneOf<const T extends readonly string[]>(values: T) {
  return {
    schema: Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value)))),
    parse: (value: string): unknown => value,
    expected: `one of ${values.join(", ")}`,
  };
}

/** Values separated by commas, each at most once. */
export function listOf<const T extends readonly string[]>(values: T) {
  return {
    schema: Type.Unsafe<T[number][]>(
      Type.Array(Type.Union(values.map((value) => Type.Literal(value))), { minItems: 1, uniqueItems: true }),
    ),
    parse: (value: string): unknown => value.split(",").map((item) => item.trim()),
    expected: `a list of ${values.join(", ")}, separated by commas`,
  };
}

/** Names of the space (contract/common.ts) separated by commas. */
export const names = {
  schema: Type.Array(Name, { minItems: 1, uniqueItems: true }),
  parse: (value: string): unknown => value.split(",").map((item) => item.trim()),
  expected: "a list of names separated by commas",
};

/** Hosts, with or without a port, separated by commas. */
export const hosts = {
  schema: Type.Array(Type.String({ pattern: "^[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?$" }), {
    minItems: 1,
    uniqueItems: true,
  }),
  parse: (value: string): unknown => value.split(",").map((item) => item.trim().toLowerCase()),
  expected: "a list of hosts, each with or without a port, separated by commas",
};

export function url(protocols: readonly string[]): Setting<ReturnType<typeof Type.String>> {
  return {
    schema: Type.String({ minLength: 1 }),
    parse: (value) => (protocols.includes(URL.parse(value)?.protocol ?? "") ? value : undefined),
    expected: `an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
  };
}
