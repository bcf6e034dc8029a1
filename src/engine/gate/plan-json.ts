/**
 * Reads the JSON of DuckDB's serialised plan exactly: integers beyond 2^53 become bigint instead of being rounded,
 * because a rounded constant would judge and run another question than the developer's.
 */
export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export function parseExactJson(text: string): Json {
  // A reviver costs six times the parsing; few plans hold a long number besides "unknown", 2^64 - 1.
  return JSON.parse(text, LONG_NUMBER.test(text) ? reviveNumber : undefined) as Json;
}

const LONG_NUMBER = /[^0-9](?!18446744073709551615[^0-9])[0-9]{16}/;

function reviveNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || context?.source === undefined) return value;
  return /^-?[0-9]+$/.test(context.source) ? BigInt(context.source) : value;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectAt(node: JsonObject, key: string): JsonObject {
  const value = node[key];
  if (!isObject(value)) throw new PlanFormatError(`${key} is not an object`);
  return value;
}

export function listAt(node: JsonObject, key: string): JsonObject[] {
  const value = node[key] ?? [];
  if (!Array.isArray(value) || !value.every((item) => isObject(item)))
    throw new PlanFormatError(`${key} is not a list`);
  return value;
}

export function textAt(node: JsonObject, key: string): string {
  const value = node[key];
  if (typeof value !== "string") throw new PlanFormatError(`${key} is not a text`);
  return value;
}

/** The text under `key`, or none: for members that are looked at but not relied on. */
export function wordAt(node: JsonObject, key: string): string {
  const value = node[key];
  return typeof value === "string" ? value : "";
}

export function indexAt(node: JsonObject, key: string): number {
  const value = node[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new PlanFormatError(`${key} is not an index`);
  }
  return value;
}

/** The plan does not have the form that this version of DuckDB writes: the golden tests exist to see it first. */
export class PlanFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PlanFormatError";
  }
}
