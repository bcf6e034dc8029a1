import type { AuditEntry } from "#contract/audit.ts";
import { connect } from "../connect.ts";
import { writeOutput } from "../input.ts";
import { collect, objectOutcome } from "../list.ts";
import type { CommandBody } from "../terminal.ts";

/** One entry a line, as `sluice audit verify FILE` reads it. */
export const exportAudit: CommandBody<{ out?: string }> = async ({ terminal, options: { out } }) => {
  const client = await connect(terminal);
  const entries = client.audit.entries();
  if (out === undefined) {
    return { status: 0, json: async () => ({ items: await collect(entries) }), text: () => lines(entries) };
  }
  let count = 0;
  await writeOutput(
    terminal,
    out,
    lines(entries, () => count++),
  );
  return objectOutcome({ file: out, entries: count }, `${out}: ${count} entries`);
};

async function* lines(entries: AsyncIterable<AuditEntry>, onEntry?: () => void): AsyncGenerator<string, void> {
  for await (const entry of entries) {
    onEntry?.();
    yield `${JSON.stringify(entry)}\n`;
  }
}
