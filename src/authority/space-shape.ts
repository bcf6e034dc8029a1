import { Settings } from "typebox/system";
import { Errors } from "typebox/value";
import { Space } from "#contract/space.ts";

/** What is wrong with a space file, and where: `path` is a JSON pointer into it. */
export interface SpaceProblem {
  path: string;
  message: string;
}

const MAX_PROBLEMS = 200;

/** Where the value departs from the form of a space file. */
export function checkSpaceShape(value: unknown): SpaceProblem[] {
  return (
    allErrors(value)
      // An unknown member is reported at itself, and a choice as a whole instead of each of its branches.
      .filter((error) => error.keyword !== "additionalProperties" && !error.schemaPath.includes("/anyOf/"))
      .map((error) => ({ path: error.instancePath, message: describe(error) }))
  );
}

type ShapeError = ReturnType<typeof Errors>[number];

/** TypeBox stops after a few errors unless told otherwise, which it can only be told for the whole process. */
function allErrors(value: unknown): ShapeError[] {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: MAX_PROBLEMS });
  try {
    return Errors(Space, value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

function describe(error: ShapeError): string {
  if (error.keyword === "boolean") return "There is no such member";
  if (error.keyword === "enum") return `must be one of ${error.params.allowedValues.join(", ")}`;
  if (error.keyword === "anyOf" && error.instancePath.endsWith("/source")) {
    return "must be { path }, { url } or { postgres, table }";
  }
  return error.message;
}
