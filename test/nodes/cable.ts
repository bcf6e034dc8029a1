/** The network between two machines, which a test can cut. */
import { createServer, connect as connectTo, type Socket } from "node:net";
import type { Test } from "tap";

export interface Cable {
  /** Address of this end. */
  url: string;
  cut(): void;
  mend(): void;
}

/** Listens at an address of its own and passes everything on, until it is cut: then nothing passes either way. */
export async function layCable(t: Test, { from, to }: { from: string; to: string }): Promise<Cable> {
  const { hostname, port } = new URL(to);
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return void near.destroy();
    const far = connectTo({ host: hostname, port: Number(port) });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, from, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://${from}:${address.port}`,
    cut: () => {
      whole = false;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => {
      whole = true;
    },
  };
}
