import { basename, dirname } from "node:path";
import { pause, type Client } from "#client/index.ts";
import type { ProductView } from "#contract/product.ts";
import type { ApplyResult, Space } from "#contract/space.ts";
import { isAppError } from "#kernel/errors.ts";
import { CliError } from "../cli-error.ts";
import { connect } from "../connect.ts";
import { pathOfArgument, readInput } from "../input.ts";
import { printable } from "../print/printable.ts";
import { formatTable } from "../print/table.ts";
import { parseSpaceFile, type SpaceFile } from "../space-file.ts";
import { showProgress, type CommandBody, type Terminal } from "../terminal.ts";

export interface ApplyOptions {
  file: string;
  development?: boolean;
  wait?: boolean;
  timeout: number;
}

export const applyCommand: CommandBody<ApplyOptions> = async ({ terminal, options }) => {
  const fromStdin = options.file === "-";
  const file = parseSpaceFile({
    name: fromStdin ? "standard input" : basename(options.file),
    text: await readInput(terminal, options.file),
    directory: fromStdin ? terminal.directory : dirname(pathOfArgument(terminal, options.file)),
  });
  const client = await connect(terminal);
  const { signal } = terminal;
  // Its form is the server's to judge; only then it is a space.
  const space = file.space as Space;
  const result = await client.space
    .apply(space, { development: options.development === true, signal })
    .catch((error: unknown) => {
      throw withPlaces(error, file);
    });
  const ids = options.wait ? (space.products ?? []).map(({ id }) => id) : [];
  const products = await waitForProducts(client, terminal, { ids, withinMs: options.timeout * 1000 });
  const failed = products.filter((product) => product.version?.state === "failed");
  return {
    status: failed.length > 0 ? 1 : 0,
    json: () => (options.wait ? { ...result, products } : result),
    text: () => formatChanges(result),
    notes: failed.length > 0 ? failed.map(failureLine).join("\n") : waitingNote(result),
  };
};

/** The server names the places of its problems by pointers; a person wants the lines of the file. */
function withPlaces(error: unknown, file: SpaceFile): unknown {
  const problems = isAppError(error) ? error.details?.["problems"] : undefined;
  if (!isAppError(error) || !Array.isArray(problems) || problems.length === 0) return error;
  const lines = (problems as { path?: unknown; message?: unknown }[]).map(
    ({ path, message }) => `${file.placeOf(String(path))}: ${String(path)} ${String(message)}`,
  );
  return new CliError(error.code, lines.join("\n"), { cause: error });
}

interface Waiting {
  ids: readonly string[];
  withinMs: number;
}

const POLL_MS = 200;

/** Until every product has a version that is published or failed. */
async function waitForProducts(client: Client, terminal: Terminal, { ids, withinMs }: Waiting): Promise<ProductView[]> {
  const endMs = Date.now() + withinMs;
  for (;;) {
    const products = await Promise.all(ids.map((id) => client.products.get(id, { signal: terminal.signal })));
    const open = products.filter(({ version }) => version === undefined || version.state === "ingesting");
    if (open.length === 0) return products;
    showProgress(terminal, open.map(progressText).join(", "));
    if (Date.now() > endMs) {
      throw new CliError("timed_out", `not published yet: ${open.map(({ id }) => id).join(", ")}`);
    }
    await pause(POLL_MS, terminal.signal);
  }
}

function progressText({ id, version }: ProductView): string {
  const rows = version?.progress?.rows;
  return rows === undefined ? id : `${id} ${rows.toLocaleString("en")} rows`;
}

function failureLine({ id, version }: ProductView): string {
  return `sluice: ${version?.error?.code ?? "ingest_failed"}: ${id}: ${printable(version?.error?.message ?? "failed")}`;
}

function formatChanges(result: ApplyResult): string {
  return formatTable(
    [{ title: "change" }, { title: "kind" }, { title: "id" }, { title: "detail" }],
    result.changes.map(({ change, kind, id, detail }) => [change, kind, id, detail ?? ""]),
  );
}

function waitingNote(result: ApplyResult): string | undefined {
  const waiting = result.changes.filter(({ change }) => change === "waiting").length;
  return waiting > 0 ? `${waiting} waiting for a person of another organisation` : undefined;
}
