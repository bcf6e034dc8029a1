import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "#client/index.ts";
import type { Space } from "#contract/space.ts";

/** Most looks at a product, ten a second. */
const TRIES = 300;

/** Declares the space, steps of other organisations included, and waits until its products are published. */
export async function applySpace(operator: Client, space: Space, tries = TRIES): Promise<void> {
  await operator.space.apply(space, { development: true });
  for (const { id } of space.products ?? []) await published(operator, id, tries);
}

async function published(operator: Client, id: string, most: number): Promise<void> {
  for (let tries = 0; tries < most; tries++) {
    const { version } = await operator.products.get(id);
    if (version?.state === "published") return;
    if (version?.state === "failed") throw new Error(`${id}: ${version.error?.code} ${version.error?.message}`);
    await sleep(100);
  }
  throw new Error(`${id} was not published in time`);
}
