import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Value } from "typebox/value";
import { type Image, ImageDescription, ImageLock } from "#contract/image.ts";
import { canonicalJson } from "#kernel/canonical-json.ts";
import { sha256 } from "#kernel/digest.ts";
import { AppError } from "#kernel/errors.ts";

export const IMAGE_LOCK_FILE = "images.lock.json";

/**
 * Reads every image under `directory` and recomputes its digest from the files under `rootDirectory`. Throws
 * `configuration_invalid` when one is malformed, is missing from `images.lock.json`, or differs from it.
 */
export function loadImages(directory: string, rootDirectory: string): Map<string, Image> {
  const lock = readLock(directory);
  const current = computeLock(directory, rootDirectory);
  for (const reference of new Set([...Object.keys(lock), ...Object.keys(current)])) {
    if (lock[reference]?.digest === current[reference]?.digest) continue;
    throw new AppError("configuration_invalid", `image ${reference} is not the one that ${IMAGE_LOCK_FILE} pins`, {
      details: { files: changedFiles(lock[reference]?.files, current[reference]?.files) },
    });
  }
  const images = readDescriptions(directory).map((description): Image => {
    const reference = referenceOf(description);
    return { ...description, reference, digest: current[reference]!.digest };
  });
  return new Map(images.map((image) => [image.reference, image]));
}

/** The lock that the present files call for, its images and files in sorted order. */
export function computeLock(directory: string, rootDirectory: string): ImageLock {
  const entries = readDescriptions(directory).map((description) => {
    const files = Object.fromEntries(
      description.files.toSorted().map((path) => [path, sha256(readImageFile(join(rootDirectory, path)))]),
    );
    return [referenceOf(description), { digest: sha256(canonicalJson({ description, files })), files }] as const;
  });
  return Object.fromEntries(entries);
}

function referenceOf({ name, version }: ImageDescription): string {
  return `${name}@${version}`;
}

function readDescriptions(directory: string): ImageDescription[] {
  const places = directoriesIn(directory).flatMap((name) =>
    directoriesIn(join(directory, name)).map((version) => ({ name, version })),
  );
  return places.map(({ name, version }) => readDescription(directory, `${name}/${version}`));
}

function readDescription(directory: string, place: string): ImageDescription {
  const description = readJson(join(directory, place, "image.json"));
  if (!Value.Check(ImageDescription, description) || `${description.name}/${description.version}` !== place) {
    throw new AppError("configuration_invalid", `sandbox-images/${place}/image.json does not describe that image`);
  }
  return description;
}

function readLock(directory: string): ImageLock {
  const lock = readJson(join(directory, IMAGE_LOCK_FILE));
  if (!Value.Check(ImageLock, lock)) {
    throw new AppError("configuration_invalid", `${IMAGE_LOCK_FILE} does not have the documented form`);
  }
  return lock;
}

function readJson(path: string): unknown {
  const text = readImageFile(path).toString("utf8");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("configuration_invalid", `${path} is not JSON`, { cause });
  }
}

function readImageFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AppError("configuration_invalid", `${path}, which an image needs, cannot be read`, { cause });
  }
}

function directoriesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}

function changedFiles(pinned: Record<string, string> = {}, present: Record<string, string> = {}): string[] {
  const paths = new Set([...Object.keys(pinned), ...Object.keys(present)]);
  return [...paths].filter((path) => pinned[path] !== present[path]);
}
