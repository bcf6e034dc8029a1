import { join } from "node:path";
import { type ObjectStore, openStorage, type Storage } from "#persistence/index.ts";

/** The sealed objects of a data directory, as a server opens them. */
export async function openObjects(dataDirectory: string): Promise<ObjectStore> {
  return (await openDirectory(dataDirectory)).objects;
}

export async function openDirectory(dataDirectory: string): Promise<Storage> {
  const path = join(dataDirectory, "keys", "seal.key");
  return openStorage({
    place: { kind: "directory" },
    dataDirectory,
    key: { kind: "file", path, given: false },
  });
}
