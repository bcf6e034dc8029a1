import type { FastifyReply } from "fastify";
import type { OutputDescriptor } from "#contract/egress.ts";
import type { ReleaseFormat } from "#contract/release.ts";
import { AppError } from "#kernel/errors.ts";
import { mediaTypeOf } from "./content-format.ts";
import type { Deployment } from "./deployment.ts";

export interface RenderedOutput {
  scenario: string;
  descriptor: OutputDescriptor;
  object: string;
  notes: { rule: string; message: string }[];
  format: ReleaseFormat;
  maxRows?: number;
}

/**
 * Sends an output in the format asked for. The control plane never parses a table: Arrow is sent as stored, every
 * other format is made by a confined process.
 */
export async function renderOutput(
  deployment: Deployment,
  reply: FastifyReply,
  output: RenderedOutput,
): Promise<FastifyReply> {
  const { scenario, descriptor, object, notes, format, maxRows } = output;
  const bytes = await deployment.objects.get(object);
  void reply.header("x-content-type-options", "nosniff").header("cache-control", "private, no-store");
  if (descriptor.kind === "json") {
    if (format !== "json") throw new AppError("not_acceptable", "this output is a JSON value");
    return reply.type(mediaTypeOf("json")).send(Buffer.from(bytes));
  }
  if (format === "arrow" && maxRows === undefined) return reply.type(mediaTypeOf("arrow")).send(Buffer.from(bytes));
  const { suppressed } = descriptor;
  const rendered = await deployment.renders.render({
    bytes,
    scenario,
    format,
    suppressed,
    notes,
    ...(maxRows === undefined ? {} : { maxRows }),
  });
  return reply.type(mediaTypeOf(format)).send(Buffer.from(rendered));
}
