import { join } from "node:path";
import { type ObjectStore, openStorage } from "#persistence/index.ts";

/** The sealed objects of a data directory, as a server opens them. */
export async function openObjects(dataDirectory: string): Promise<ObjectStore> {
  const path = join(dataDirectory, "keys", "seal.key");
  const { objects } = await openStorage({
    place: { kind: "directory" },
    dataDirectory,
    key: { kind: "file", path, given: false },
  });
  return objects;
}
