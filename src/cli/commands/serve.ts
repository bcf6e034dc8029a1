import { once } from "node:events";
import type { CommandBody, Terminal } from "../terminal.ts";

export interface ServeOptions {
  development?: boolean;
  insecureHttp?: boolean;
  data?: string;
  host?: string;
  port?: number;
  sourceRoot?: string[];
}

/** Runs until the process is told to stop. Standard output holds the log; where it listens is said on stderr. */
export const serveCommand: CommandBody<ServeOptions> = async ({ terminal, options }) => {
  const { readConfig } = await import("#config/index.ts");
  const config = readConfig(terminal.env, {
    development: options.development,
    insecureHttp: options.insecureHttp,
    dataDirectory: options.data,
    host: options.host,
    port: options.port,
    sourceRoots: options.sourceRoot,
  });
  const server = await terminal.host.startServer(config);
  return {
    status: 0,
    json: () => ({ url: server.url, development: config.development }),
    text: () => "",
    notes: notesOf(server),
    after: async () => {
      await interrupted(terminal);
      await server.close();
    },
  };
};

function notesOf({ url, nodesUrl }: { url: string; nodesUrl: string | undefined }): string {
  return [`sluice listens on ${url}`, ...(nodesUrl === undefined ? [] : [`runner nodes: ${nodesUrl}`])].join("\n");
}

/** Resolves when the user interrupts. */
export async function interrupted({ signal }: Terminal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
