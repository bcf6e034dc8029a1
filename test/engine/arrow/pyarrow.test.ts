import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { encodeArrowStream } from "#engine/arrow/index.ts";
import { everyType, openDuckDB, temporaryDirectory, writeArrowFile } from "./duckdb.ts";

const python = process.env["SLUICE_TEST_PYTHON"] ?? "python3";
// the first that reads decimals of 32 and 64 bits, which the file has
const found =
  spawnSync(python, ["-c", "import pyarrow; assert int(pyarrow.__version__.split('.')[0]) >= 18"]).status === 0;

const SCRIPT = `
import sys, json, pyarrow.ipc as ipc
table = (ipc.open_file if sys.argv[2] == "file" else ipc.open_stream)(sys.argv[1]).read_all()
table.validate(full=True)
simple = [c for c in table.column_names if c not in ("timestamp_ns",)]
print(json.dumps({"rows": table.num_rows, "nulls": [table[c].null_count for c in table.column_names],
  "decimal18": [None if v is None else str(v) for v in table["decimal18"].to_pylist()],
  "varchar": table["varchar"].to_pylist(), "list": table["list"].to_pylist(),
  "uuid": [None if v is None else str(v) for v in table["uuid"].to_pylist()],
  "enumeration": table["enumeration"].to_pylist()}))
`;

t.test(
  "pyarrow reads our files and streams",
  { skip: found ? false : "python3 has no pyarrow of version 18 or later" },
  async (t) => {
    const connection = await openDuckDB(t);
    const directory = temporaryDirectory(t);
    // 39 digits are more than a decimal128 promises: pyarrow reads them, but its validation does not pass them
    const sql = `SELECT * EXCLUDE (hugeint) FROM (${everyType(5000)})`;
    const file = join(directory, "x.arrow");
    const summary = await writeArrowFile(connection, sql, { path: file, rowsPerBatch: 2048 });
    const stream = join(directory, "x.arrows");
    const { bytes } = await encodeArrowStream(await connection.stream(sql), { maxRows: 1e9, maxBytes: 1e9 });
    writeFileSync(stream, bytes);
    const reader = await connection.runAndReadAll(
      `SELECT CAST(decimal18 AS VARCHAR), varchar, to_json(list), CAST(uuid AS VARCHAR), CAST(enumeration AS VARCHAR) FROM (${sql})`,
    );
    const rows = reader.getRows();
    const column = (i: number) => rows.map((row) => row[i]);
    for (const [path, form] of [
      [file, "file"],
      [stream, "stream"],
    ] as const) {
      const run = spawnSync(python, ["-c", SCRIPT, path, form], { encoding: "utf8", maxBuffer: 1 << 28 });
      t.equal(run.status, 0, run.stderr);
      const read = JSON.parse(run.stdout) as Record<string, unknown>;
      t.equal(read["rows"], 5000);
      t.same(read["nulls"], summary.nullCounts);
      t.same(read["decimal18"], column(0));
      t.same(read["varchar"], column(1));
      t.same(
        (read["list"] as unknown[]).map((v) => (v === null ? null : JSON.stringify(v))),
        column(2),
      );
      t.same(read["uuid"], column(3));
      t.same(read["enumeration"], column(4));
    }
  },
);
