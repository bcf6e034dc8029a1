/** Speaks as a node, with its key but without its runner. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createPool } from "#runner/index.ts";
import { openNodeKey } from "../../src/runner/node-key.ts";

/** `ca`: certificate that is believed, PEM. */
export async function caller(directory: string, url: string, ca?: string) {
  const key = await openNodeKey(directory);
  const { audience } = JSON.parse(readFileSync(join(directory, "node.json"), "utf8")) as { audience: string };
  return async (path: string, body: object | Buffer) => {
    const pool = createPool({ origin: url, ...(ca === undefined ? {} : { ca }) });
    const isFrame = Buffer.isBuffer(body);
    const token = await key.signRequest({ name: "n1", audience, method: "POST", path });
    const answer = await pool.request({
      path,
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": isFrame ? "application/vnd.sluice.frame" : "application/json",
      },
      body: isFrame ? body : JSON.stringify(body),
    });
    const text = await answer.body.text();
    await pool.close();
    const isJson = String(answer.headers["content-type"]).includes("json");
    return { status: answer.statusCode, body: isJson ? (JSON.parse(text) as unknown) : text };
  };
}
