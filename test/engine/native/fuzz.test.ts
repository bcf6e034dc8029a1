import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { buildArrowFuzzer, buildStatesFuzzer } from "../../../src/engine/native/build.ts";
import { everyType } from "./every-type.ts";
import { openEngine, writeProduct } from "./products.ts";

const CASES = 2000;

t.test("damaged files of every type are refused or scanned, never read outside of the file", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-native-"));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const fuzzer = await buildArrowFuzzer();
  await using engine = await openEngine({ loaded: false });
  const relation = everyType({ rows: 60, seed: 4 });
  const { files } = await writeProduct(engine.connection, { id: "seed", relation, directory, rowsPerBatch: 25 });
  const path = join(directory, "seed", files[0]!.path);
  const { stdout } = await promisify(execFile)(fuzzer, [path, String(CASES), "1"]);
  const counts = JSON.parse(stdout) as Record<string, number>;
  t.equal(counts.cases, CASES);
  t.ok(counts.refused! > CASES / 10, "the metadata checks refuse many");
  t.ok(counts.unsound! > 0, "the row checks refuse some");
  t.ok(counts.slices! > CASES, "the others are scanned");
});

t.test("states of aggregates are exact or sound, and the same in any order and in any parts", async (t) => {
  const { stdout } = await promisify(execFile)(await buildStatesFuzzer(), [String(CASES), "1"]);
  const counts = JSON.parse(stdout) as Record<string, number>;
  t.equal(counts.cases, CASES);
  for (const kind of ["complete", "bounded", "lost", "regions_complete", "regions_bounded", "regions_lost"]) {
    t.ok(counts[kind]! > CASES / 100, `${kind}: ${counts[kind]}`);
  }
});
