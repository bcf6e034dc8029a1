import pg from "pg";

/** Type oids of `pg_type` that the two drivers would read differently, and the arrays of them. */
const OID = {
  bytea: { element: 17, array: 1001 },
  int8: { element: 20, array: 1016 },
  json: { element: 114, array: 199 },
  date: { element: 1082, array: 1182 },
  timestamptz: { element: 1184, array: 1185 },
  numeric: { element: 1700, array: 1231 },
  jsonb: { element: 3802, array: 3807 },
  text: { element: 25, array: 1009 },
} as const;

type Parse = (text: string) => unknown;

const PARSE: Readonly<Record<keyof typeof OID, Parse>> = {
  bytea: parseBytea,
  int8: parseInt8,
  json: (text) => JSON.parse(text) as unknown,
  date: (text) => text,
  timestamptz: parseInstant,
  numeric: (text) => text,
  jsonb: (text) => JSON.parse(text) as unknown,
  text: (text) => text,
};

/** Parser of each type by oid, the same for both databases. */
export const valueParsers: Readonly<Record<number, Parse>> = Object.fromEntries(
  Object.entries(OID).flatMap(([type, oid]) => {
    const parse = PARSE[type as keyof typeof OID];
    return [
      [oid.element, parse],
      [oid.array, (text: string) => parseArray(text, parse)],
    ];
  }),
);

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("an int8 of the database exceeds the safe integers");
  return value;
}

/** The session's time zone is UTC and its date style ISO: `2026-01-31 08:00:00.123+00`. */
function parseInstant(text: string): Date {
  const instant = new Date(text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
  if (Number.isNaN(instant.getTime())) throw new RangeError("a timestamptz of the database is no instant");
  return instant;
}

function parseBytea(text: string): Uint8Array {
  if (!text.startsWith("\\x")) throw new RangeError("a bytea of the database is not in hexadecimal form");
  return new Uint8Array(Buffer.from(text.slice(2), "hex"));
}

function parseArray(text: string, parse: Parse): unknown[] {
  const { arrayParser } = pg.types as unknown as {
    arrayParser: { create(text: string, parse: (item: string | null) => unknown): { parse(): unknown[] } };
  };
  return arrayParser.create(text, (item) => (item === null ? null : parse(item))).parse();
}
