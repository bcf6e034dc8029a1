import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { buildArrowExtension } from "../../../src/engine/native/build.ts";
import { mountProducts } from "../../../src/engine/arrow/mount.ts";
import { openEngine, writeProduct, type Engine } from "./products.ts";
import { TPCH_QUERIES } from "./tpch-queries.ts";
import { TPCH_TABLES, withDictionaries } from "./tpch-tables.ts";

const DATA = fileURLToPath(new URL("../../../../shared/data/tpch_sf0.1", import.meta.url));
/** Text that the generator of the published answers drew otherwise (README of the data). */
const OTHER_TEXT = /^(s_address|c_address|.*_comment)$/;
const RELATIVE_TOLERANCE = 1e-9;

async function mountTables({ connection }: Engine, directory: string): Promise<void> {
  const products = [];
  for (const { name, dictionaries } of TPCH_TABLES) {
    const relation = await withDictionaries(connection, `'${join(DATA, `${name}.parquet`)}'`, dictionaries);
    products.push(await writeProduct(connection, { id: name, relation, directory }));
  }
  await mountProducts(connection, products);
}

function agree(value: unknown, answer: string): boolean {
  if (String(value) === answer) return true;
  const [left, right] = [Number(value), Number(answer)];
  return Math.abs(left - right) <= RELATIVE_TOLERANCE * Math.max(Math.abs(left), Math.abs(right));
}

t.test(
  "the 22 TPC-H questions have their published answers through the scan",
  { skip: existsSync(DATA) ? false : "the TPC-H data is not on this machine" },
  async (t) => {
    await buildArrowExtension();
    const directory = await mkdtemp(join(tmpdir(), "sluice-tpch-"));
    t.teardown(() => rm(directory, { recursive: true, force: true }));
    await using engine = await openEngine();
    await mountTables(engine, directory);
    for (const [place, sql] of TPCH_QUERIES.entries()) {
      const number = String(place + 1).padStart(2, "0");
      const text = await readFile(join(DATA, "answers", `q${number}.csv`), "utf8");
      const [header, ...answers] = text
        .trimEnd()
        .split("\n")
        .map((line) => line.split("|"));
      const reader = await engine.connection.runAndReadAll(sql);
      const rows = reader.getRows();
      t.equal(rows.length, answers.length, `question ${number}: rows`);
      const wrong = answers.flatMap((answer, row) =>
        header!.filter((name, column) => !OTHER_TEXT.test(name) && !agree(rows[row]?.[column], answer[column]!)),
      );
      t.same(wrong, [], `question ${number}: cells`);
    }
  },
);
