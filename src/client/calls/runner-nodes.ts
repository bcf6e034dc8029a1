import type { NodeInvitation, NodeView } from "#contract/node.ts";
import { pathOf, readJson, type Send } from "../transport.ts";

export interface RunnerNodeCalls {
  list(): Promise<NodeView[]>;
  /** The one-time token with which the node enrols; it is shown here only. */
  invite(name: string): Promise<NodeInvitation>;
  /** At once: its requests are refused, its jobs are given to others. */
  revoke(name: string, reason: string): Promise<NodeView>;
}

const PATH = "/v1/runner-nodes";

export function runnerNodeCalls(send: Send): RunnerNodeCalls {
  const post = async <T>(path: string, body: object): Promise<T> =>
    readJson(await send({ method: "POST", path, body }));
  return {
    list: async () => {
      const { items } = await readJson<{ items: NodeView[] }>(await send({ method: "GET", path: PATH }));
      return items;
    },
    invite: async (name) => post(PATH, { name }),
    revoke: async (name, reason) => post(pathOf`/v1/runner-nodes/${name}/revoke`, { reason }),
  };
}
