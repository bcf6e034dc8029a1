import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { ISOLATE_IMAGES } from "../../src/contract/isolate.ts";
import { BOOTSTRAP_PARTS } from "../../src/isolate/bootstrap.ts";
import { LIBRARIES } from "../../src/isolate/libraries.ts";
import { computeLock, loadImages } from "../../src/runner/images.ts";
import { ISOLATE_PROGRAM, prepareProgram } from "../../src/runner/program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const IMAGES = join(ROOT, "sandbox-images");
const LOCK = join(IMAGES, "images.lock.json");

t.test("the lock is current: node sandbox-images/lock.ts", async (t) => {
  t.same(JSON.parse(readFileSync(LOCK, "utf8")), computeLock(IMAGES, ROOT));
  t.equal(readFileSync(LOCK, "utf8"), `${JSON.stringify(computeLock(IMAGES, ROOT), null, 2)}\n`);
});

t.test("the images are loaded with their digests", async (t) => {
  const images = loadImages(IMAGES, ROOT);
  t.same([...images.keys()].toSorted(), ["javascript-jit@1", "javascript@1", "sql@1"]);
  t.match(images.get("javascript@1"), {
    kind: "javascript",
    reference: "javascript@1",
    digest: /^sha256:[0-9a-f]{64}$/,
  });
  for (const [reference, { limits, jit }] of Object.entries(ISOLATE_IMAGES)) {
    const image = images.get(reference);
    t.same(image?.limits, limits, reference);
    t.equal(image?.flags.includes("--jitless"), !jit, reference);
    t.equal(image?.needsGrant ?? false, jit, reference);
  }
});

t.test("the javascript image names every part of the bootstrap, and pins the packages in use", async (t) => {
  const images = loadImages(IMAGES, ROOT);
  const files = images.get("javascript@1")?.files ?? [];
  t.same(images.get("javascript-jit@1")?.files, files);
  for (const name of LIBRARIES) t.ok(files.includes(`build/libraries/${name}.js`), name);
  const parts = readdirSync(join(ROOT, "src/isolate/bootstrap")).map((name) => name.replace(/\.js$/, ""));
  t.same(parts.toSorted(), [...BOOTSTRAP_PARTS].toSorted());
  for (const part of BOOTSTRAP_PARTS) t.ok(files.includes(`src/isolate/bootstrap/${part}.js`), part);
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<
    "dependencies" | "devDependencies",
    Record<string, string>
  >;
  // what is bundled at set-up is not needed at run time
  const pinned = { ...devDependencies, ...dependencies };
  for (const { runtime } of images.values()) {
    for (const [name, version] of Object.entries(runtime)) t.equal(pinned[name], version, name);
  }
});

t.test("a changed, added, removed or malformed image is refused", async (t) => {
  const changes: [string, (directory: string) => void][] = [
    [
      "a changed description",
      (d) => edit(join(d, "sql/1/image.json"), (text) => text.replace("SQL query", "SQL queries")),
    ],
    [
      "a changed lock",
      (d) =>
        edit(join(d, "images.lock.json"), (text) =>
          text.replace(/(sha256:)(.)/, (_, head, digit) => head + (digit === "0" ? "1" : "0")),
        ),
    ],
    [
      "an image outside the lock",
      (d) => edit(join(d, "images.lock.json"), (text) => text.replace('"sql@1"', '"sql@2"')),
    ],
    ["a removed image", (d) => rmSync(join(d, "sql"), { recursive: true })],
    ["a directory without description", (d) => rmSync(join(d, "sql/1/image.json"))],
    ["a description that is not JSON", (d) => writeFileSync(join(d, "sql/1/image.json"), "{")],
    ["a description of another image", (d) => cpSync(join(d, "javascript/1/image.json"), join(d, "sql/1/image.json"))],
    [
      "a file that is not there",
      (d) => edit(join(d, "sql/1/image.json"), (text) => text.replace('"files": []', '"files": ["src/none.ts"]')),
    ],
    ["a lock that is not there", (d) => rmSync(join(d, "images.lock.json"))],
  ];
  for (const [name, change] of changes) {
    const directory = mkdtempSync(join(tmpdir(), "images-"));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    cpSync(IMAGES, directory, { recursive: true });
    loadImages(directory, ROOT);
    change(directory);
    t.throws(() => loadImages(directory, ROOT), { code: "configuration_invalid" }, name);
  }
});

t.test("the program of the isolate process is made whole, once, and mended when it was touched", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "program-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const program = prepareProgram(ISOLATE_PROGRAM, directory);
  t.same(program.packages, ["isolated-vm"]);
  t.same(prepareProgram(ISOLATE_PROGRAM, directory), program);
  const text = readFileSync(program.entry, "utf8");
  writeFileSync(program.entry, "touched");
  t.same(prepareProgram(ISOLATE_PROGRAM, directory), program);
  t.equal(readFileSync(program.entry, "utf8"), text);
  t.equal(readdirSync(directory).length, 1);
  const imported = new Set([...text.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name!));
  t.strictSame(
    [...imported].filter((name) => !name.startsWith("node:")),
    ["isolated-vm"],
    "all else is in the file",
  );
  t.throws(() => prepareProgram({ entry: "src/bin/none.ts", assets: [], natives: [] }, directory), {
    code: "configuration_invalid",
  });
});

function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`nothing changed in ${path}`);
  writeFileSync(path, after);
}
