import { createHmac } from "node:crypto";
import { readOrCreateKey } from "#persistence/index.ts";

/** The signing keys of webhooks. Each follows from the key file, the webhook and a version: the database holds none. */
export interface WebhookSecrets {
  keyOf(webhook: { id: string; secret_version: number }): Buffer;
}

/** `keyFile` is made when it is absent. */
export async function openSecrets(keyFile: string): Promise<WebhookSecrets> {
  const master = await readOrCreateKey(keyFile);
  return {
    keyOf: ({ id, secret_version: version }) =>
      createHmac("sha256", master).update(`sluice-webhook/1\n${id}\n${version}`).digest(),
  };
}

/** What a receiver is given, in the form of the Standard Webhooks libraries. */
export function secretText(key: Buffer): string {
  return `whsec_${key.toString("base64")}`;
}

/** Header `webhook-signature` of Standard Webhooks: HMAC-SHA256 over id, seconds and body. */
export function sign(key: Buffer, message: { id: string; seconds: number; body: string }): string {
  const { id, seconds, body } = message;
  return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
}
