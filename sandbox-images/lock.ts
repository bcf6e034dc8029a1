/** Rewrites `images.lock.json` after an intended change of an image: `node sandbox-images/lock.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { computeLock, IMAGE_LOCK_FILE } from "../src/runner/images.ts";

const directory = fileURLToPath(new URL(".", import.meta.url));
const lock = computeLock(directory, join(directory, ".."));
writeFileSync(join(directory, IMAGE_LOCK_FILE), `${JSON.stringify(lock, null, 2)}\n`);
