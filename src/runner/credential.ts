import { Type } from "typebox";
import { openNodeKey } from "./node-key.ts";

/** The `Authorization` header of one request. */
export type Authorize = (request: { method: string; path: string }) => Promise<string>;

/** By what a runner is known: the token of the server that started it, or the key of its own machine. */
export const Credential = Type.Union([
  Type.Object({ kind: Type.Literal("token"), token: Type.String() }),
  Type.Object({ kind: Type.Literal("node"), directory: Type.String(), audience: Type.String(), name: Type.String() }),
]);
export type Credential = Type.Static<typeof Credential>;

export async function openCredential(credential: Credential): Promise<Authorize> {
  if (credential.kind === "token") {
    const header = `Bearer ${credential.token}`;
    return async () => header;
  }
  const { directory, audience, name } = credential;
  const key = await openNodeKey(directory);
  return async ({ method, path }) => `Bearer ${await key.signRequest({ name, audience, method, path })}`;
}
