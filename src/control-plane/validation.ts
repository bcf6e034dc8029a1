import Ajv from "ajv";
import addFormats from "ajv-formats";
import type { FastifySchemaCompiler } from "fastify";
import { AppError } from "#kernel/errors.ts";
import { hasStorableTexts } from "#kernel/storable-text.ts";

/**
 * Compiles request schemas. A query or path is text and is converted to the schema's types; a body is taken as it
 * is. Members that a schema does not name are refused, not removed.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const text = withFormats({ coerceTypes: "array", useDefaults: true, removeAdditional: false, strict: false });
  const body = withFormats({ coerceTypes: false, useDefaults: true, removeAdditional: false, strict: false });
  return ({ schema, httpPart }) => (httpPart === "body" ? body : text).compile(schema);
}

function withFormats(options: ConstructorParameters<typeof Ajv.Ajv>[0]) {
  const ajv = new Ajv.Ajv(options);
  addFormats.default(ajv);
  return ajv;
}

/** Looks into all members and their names. Throws `invalid_request` for text that no database keeps as it came. */
export function requireStorable(value: unknown): void {
  if (hasStorableTexts(value)) return;
  throw new AppError("invalid_request", "text may hold neither the null character nor half a surrogate pair");
}
