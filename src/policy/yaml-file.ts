import type { TSchema, Static } from "typebox";
import { Value } from "typebox/value";
import { LineCounter, parseDocument } from "yaml";
import type { PolicyProblem, ProblemCode } from "./problem.ts";

/** A YAML file that knows the lines of what stands in it. */
export interface YamlFile {
  name: string;
  value: unknown;
  problems: PolicyProblem[];
  /** Line of a JSON pointer, or of the nearest thing around it. */
  lineOf(pointer: string): number | undefined;
}

export function readYaml(name: string, text: string): YamlFile {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings].map((error): PolicyProblem => ({
    file: name,
    line: lineCounter.linePos(error.pos[0]).line,
    code: "syntax",
    message: error.message,
  }));
  const lineOf = (pointer: string): number | undefined => {
    for (let path = keysOf(pointer); ; path = path.slice(0, -1)) {
      const node = (path.length === 0 ? document.contents : document.getIn(path, true)) as Ranged | undefined;
      if (node?.range) return lineCounter.linePos(node.range[0]).line;
      if (path.length === 0) return undefined;
    }
  };
  return { name, value: problems.length > 0 ? undefined : document.toJS(), problems, lineOf };
}

interface Ranged {
  range?: [number, number, number] | null;
}

function keysOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value of a file in the form of a schema, or all that is wrong with it. */
export function parseYaml<T extends TSchema>(
  file: YamlFile,
  schema: T,
  code: ProblemCode,
): { value: Static<T> } | { problems: PolicyProblem[] } {
  if (file.problems.length > 0) return { problems: file.problems };
  if (Value.Check(schema, file.value)) return { value: file.value };
  // a property too many is told by what it is too many of
  const errors = [...Value.Errors(schema, file.value)].filter(({ keyword }) => keyword !== "boolean");
  const problems = errors.map((error): PolicyProblem => {
    const names = namesIn(error.params);
    const pointer =
      error.keyword === "additionalProperties" ? `${error.instancePath}/${names[0] ?? ""}` : error.instancePath;
    const about = names.length === 0 ? "" : ` (${names.join(", ")})`;
    const message = `${error.instancePath || "the file"} ${error.message}${about}`;
    return { file: file.name, ...lineIn(file, pointer), code, message };
  });
  return { problems };
}

export function lineIn(file: YamlFile, pointer: string): { line?: number } {
  const line = file.lineOf(pointer);
  return line === undefined ? {} : { line };
}

/** Which properties are missing or too many. */
function namesIn(parameters: object): string[] {
  return Object.values(parameters)
    .flat()
    .filter((name) => typeof name === "string");
}
