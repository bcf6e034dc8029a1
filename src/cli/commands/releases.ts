import type { ReleaseFormat, ReleaseView } from "#contract/release.ts";
import { connect } from "../connect.ts";
import { writeOutput } from "../input.ts";
import { collect, listOutcome, objectOutcome, takeItems } from "../list.ts";
import { formatFields } from "../print/table.ts";
import type { CommandBody, Outcome } from "../terminal.ts";

export const listReleases: CommandBody<{ limit: number }> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  return listOutcome(await takeItems(client.releases.list(), options.limit), {
    release: ({ id }) => id,
    scenario: ({ scenario }) => scenario,
    state: ({ state }) => state,
    verdict: ({ verdict }) => verdict,
    outputs: ({ outputs }) => outputs.map(({ name }) => name).join(" "),
    released: ({ releasedAt }) => releasedAt,
  });
};

export const showRelease: CommandBody<object> = async ({ terminal, args: [id = ""] }) => {
  const client = await connect(terminal);
  const release = await client.releases.get(id);
  return objectOutcome(release, formatRelease(release));
};

export const revokeRelease: CommandBody<{ reason: string }> = async ({ terminal, options, args: [id = ""] }) => {
  const client = await connect(terminal);
  const release = await client.releases.revoke(id, options.reason);
  return objectOutcome(release, formatRelease(release));
};

export interface GetOptions {
  format: ReleaseFormat;
  out?: string;
  output?: string;
}

/** Downloads to a file or standard output; with `--json` and no file, the content is a member of the document. */
export const getRelease: CommandBody<GetOptions> = async ({ terminal, options, args: [id = ""] }) => {
  const client = await connect(terminal);
  const { format, out } = options;
  const response = await client.releases.content(id, format, { output: options.output, signal: terminal.signal });
  const pieces = counted(response.body ?? new ReadableStream<Uint8Array>());
  if (out !== undefined) {
    await writeOutput(terminal, out, pieces.stream());
    const written = { release: id, format, file: out, bytes: pieces.bytes() };
    return objectOutcome(written, `${out}: ${written.bytes} bytes`);
  }
  return contentOutcome({ id, format, pieces: pieces.stream() });
};

function contentOutcome(content: { id: string; format: string; pieces: AsyncIterable<Uint8Array> }): Outcome {
  return {
    status: 0,
    json: async () => {
      const bytes = Buffer.concat(await collect(content.pieces));
      const isText = content.format === "csv" || content.format === "json";
      const body = isText ? { text: bytes.toString("utf8") } : { base64: bytes.toString("base64") };
      return { release: content.id, format: content.format, ...body };
    },
    text: () => content.pieces,
  };
}

function counted(source: AsyncIterable<Uint8Array>): { stream(): AsyncGenerator<Uint8Array>; bytes(): number } {
  let sum = 0;
  return {
    async *stream() {
      for await (const piece of source) {
        sum += piece.byteLength;
        yield piece;
      }
    },
    bytes: () => sum,
  };
}

function formatRelease(release: ReleaseView): string {
  return formatFields([
    ["release", release.id],
    ["state", release.state],
    ["verdict", release.verdict],
    ["scenario", release.scenario],
    ["organisation", release.organisation],
    ["job", release.job],
    ["request", release.egressRequest],
    ["type", release.productType],
    ["recipients", release.recipients.join(", ")],
    ["outputs", release.outputs.map(({ name, rows }) => `${name} (${rows} rows)`).join(", ")],
    ["digest", release.digest],
    ["audit entry", release.auditEntry],
    ["released", release.releasedAt],
    ["revoked", release.revokedAt],
  ]);
}
