import { Option } from "commander";
import type { Terminal } from "./terminal.ts";

export type Language = "zh" | "en";

export function languageOption(): Option {
  return new Option("--lang <language>", "language of reasons and findings; LC_ALL or LANG otherwise").choices([
    "zh",
    "en",
  ]);
}

/** The language that was asked for, else the terminal's, else English. */
export function languageOf({ env }: Pick<Terminal, "env">, chosen?: Language): Language {
  const locale = env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || "";
  return chosen ?? (locale.toLowerCase().startsWith("zh") ? "zh" : "en");
}
