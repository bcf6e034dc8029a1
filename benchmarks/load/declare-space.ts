import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "#client/index.ts";
import type { Space } from "#contract/space.ts";

const TRIES = 600;

/** Declares the space, the steps of other organisations included, and waits until its products are published. */
export async function declareSpace(operator: Client, space: Space): Promise<void> {
  await operator.space.apply(space, { development: true });
  for (const { id } of space.products ?? []) await waitForProduct(operator, id);
}

async function waitForProduct(operator: Client, id: string): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { version } = await operator.products.get(id);
    if (version?.state === "published") return;
    if (version?.state === "failed") throw new Error(`${id}: ${version.error?.code}`);
    await sleep(100);
  }
  throw new Error(`${id} was not published in time`);
}
