import { readFileSync } from "node:fs";

/** In this order; each part uses the earlier ones. */
export const BOOTSTRAP_PARTS = [
  "intrinsics",
  "harden",
  "inspect",
  "errors",
  "console",
  "literals",
  "values",
  "texts",
  "columns",
  "result",
  "libraries",
  "query",
  "table",
  "output",
  "main",
] as const;

/** The guest bootstrap as one function body. Reads files: only before `ready`. */
export function loadBootstrap(): string {
  const parts = BOOTSTRAP_PARTS.map((part) => readFileSync(new URL(`bootstrap/${part}.js`, import.meta.url), "utf8"));
  return `"use strict";\n${parts.join("\n")}`;
}
