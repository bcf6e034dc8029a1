import type { DuckDBConnection } from "@duckdb/node-api";
import { placeAt } from "./plan-expression.ts";
import { isObject, type Json, type JsonObject } from "./plan-json.ts";
import { refuse } from "./refusal.ts";
import { quoteText } from "./sql-text.ts";
import { typeName } from "./types.ts";

interface TextConstant {
  text: string;
  type: string;
  at: number | undefined;
}

/**
 * Constants that are written as text ('2024-01-01' for a date) are converted here once, on the connection without
 * data: a wrong one is a finding with its place, and no conversion is left that could fail depending on the data.
 */
export async function checkConstants(planning: DuckDBConnection, root: JsonObject): Promise<void> {
  const doubtful = textConstants(root).filter((constant) => !isPlainDate(constant));
  if (doubtful.length === 0) return;
  const tests = doubtful.map(({ text, type }) => `TRY_CAST(${quoteText(text)} AS ${type}) IS NULL`);
  const result = await planning.runAndReadAll(`SELECT ${tests.join(", ")}`).catch(() => refuse("constant_invalid"));
  const bad = result.getRows()[0]?.findIndex((isBad) => isBad === true) ?? -1;
  if (bad >= 0) refuse("constant_invalid", { at: doubtful[bad]!.at, construct: doubtful[bad]!.type });
}

function textConstants(value: Json): TextConstant[] {
  if (Array.isArray(value)) return value.flatMap(textConstants);
  if (!isObject(value)) return [];
  const own = value["expression_class"] === "BOUND_CAST" && value["try_cast"] !== true ? ownConstant(value) : [];
  return [...own, ...Object.values(value).flatMap(textConstants)];
}

function ownConstant(cast: JsonObject): TextConstant[] {
  const child = cast["child"];
  const constant = isObject(child) && child["expression_class"] === "BOUND_CONSTANT" ? child["value"] : undefined;
  const to = cast["return_type"];
  if (!isObject(constant) || !isObject(to) || !isObject(child) || typeof constant["value"] !== "string") return [];
  const type = typeName(to);
  if (type === "VARCHAR" || /^(ENUM|LIST|STRUCT|NULL)$/.test(type)) return [];
  return [{ text: constant["value"], type, at: placeAt(child) }];
}

function isPlainDate({ text, type }: TextConstant): boolean {
  if (type !== "DATE" || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
