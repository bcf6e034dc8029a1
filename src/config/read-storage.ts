import { isAbsolute, join } from "node:path";
import type { ObjectKeyConfig, StorageConfig } from "./config.ts";
import { isLoopback } from "./loopback.ts";
import { oneOf, type SettingsReader, text, url } from "./settings.ts";

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^(?:[A-Za-z0-9._-]+\/)*$/;

/** Where objects and products lie; problems are told through the reader. */
export function readStorage(reader: SettingsReader): StorageConfig {
  const address = reader.read("SLUICE_STORAGE", url(["s3:"]));
  if (address === undefined) {
    for (const name of ["SLUICE_STORAGE_ENDPOINT", "SLUICE_STORAGE_REGION", "SLUICE_STORAGE_PATH_STYLE"]) {
      if (reader.isSet(name)) reader.problems.push(`${name}: means nothing without SLUICE_STORAGE`);
    }
    return { kind: "directory" };
  }
  const { hostname: bucket, pathname, search, hash, username } = new URL(address);
  const path = pathname.replace(/^\/|\/$/g, "");
  const prefix = path === "" ? "" : `${path}/`;
  if (!BUCKET.test(bucket) || !PREFIX.test(prefix) || search !== "" || hash !== "" || username !== "") {
    reader.problems.push("SLUICE_STORAGE: expected s3://bucket or s3://bucket/prefix");
  }
  const endpoint = reader.read("SLUICE_STORAGE_ENDPOINT", url(["https:", "http:"]));
  if (endpoint !== undefined && new URL(endpoint).protocol !== "https:" && !isLoopback(new URL(endpoint).hostname)) {
    reader.problems.push("SLUICE_STORAGE_ENDPOINT: https is required, except on loopback");
  }
  const pathStyle = reader.read("SLUICE_STORAGE_PATH_STYLE", oneOf(["on", "off"]));
  return {
    kind: "s3",
    bucket,
    prefix,
    region: reader.read("SLUICE_STORAGE_REGION", text) ?? "us-east-1",
    endpoint,
    pathStyle: pathStyle === undefined ? endpoint !== undefined : pathStyle === "on",
  };
}

/**
 * The key that seals what is stored. In the data directory it may be made at the first start; on a storage that others
 * share it must be given, or each server would make its own.
 */
export function readObjectKey(
  reader: SettingsReader,
  { storage, dataDirectory }: { storage: StorageConfig; dataDirectory: string },
): ObjectKeyConfig {
  const file = reader.read("SLUICE_OBJECT_KEY_FILE", text);
  const command = reader.read("SLUICE_OBJECT_KEY_COMMAND", text);
  for (const [name, path] of Object.entries({ SLUICE_OBJECT_KEY_FILE: file, SLUICE_OBJECT_KEY_COMMAND: command })) {
    if (path !== undefined && !isAbsolute(path)) reader.problems.push(`${name}: expected an absolute path`);
  }
  if (file !== undefined && command !== undefined) {
    reader.problems.push("SLUICE_OBJECT_KEY_FILE, SLUICE_OBJECT_KEY_COMMAND: give one of them");
  }
  if (file !== undefined) return { kind: "file", path: file, given: true };
  if (command !== undefined) return { kind: "command", path: command };
  if (storage.kind === "s3") {
    reader.problems.push("SLUICE_OBJECT_KEY_FILE or SLUICE_OBJECT_KEY_COMMAND: required with SLUICE_STORAGE");
  }
  return { kind: "file", path: join(dataDirectory, "keys", "seal.key"), given: false };
}
