import t from "tap";
import { isAppError } from "#kernel/errors.ts";
import { everyType, openDuckDB } from "../arrow/duckdb.ts";
import { arrowOf, render } from "./tables.ts";

t.test("what is no table is refused with a code", async (t) => {
  const connection = await openDuckDB(t);
  const bytes = Buffer.from(await arrowOf(connection, everyType(50)));
  const samples = [
    Buffer.alloc(0),
    Buffer.from("garbage"),
    Buffer.alloc(1000, 0xff),
    Buffer.from("ARROW1\0\0".repeat(20)),
    bytes.subarray(0, 200),
    bytes.subarray(100),
  ];
  for (const sample of samples) {
    for (const format of ["csv", "json", "parquet", "arrow"] as const) {
      t.throws(() => render(sample, { format }), { code: "bad_arrow_file" }, `${sample.byteLength} bytes as ${format}`);
    }
  }
});

t.test(
  "a list that reaches beyond its items, a code beyond its dictionary and a length beyond its buffer are seen",
  async (t) => {
    const connection = await openDuckDB(t);
    const cases = [
      { sql: "SELECT [7, 8, 9] AS a FROM range(3)", find: [0, 3, 6, 9], put: [0, 3, 6, 900_000] },
      { sql: "SELECT [7, 8, 9] AS a FROM range(3)", find: [0, 3, 6, 9], put: [0, -3, 6, 9] },
      { sql: "SELECT 'abc' AS a FROM range(3)", find: [0, 3, 6, 9], put: [0, 3, 2, 9] },
      { sql: "SELECT 'abc' AS a FROM range(3)", find: [0, 3, 6, 9], put: [0, 3, 6, 2_000_000_000] },
    ];
    for (const { sql, find, put } of cases) {
      const bytes = Buffer.from(await arrowOf(connection, sql));
      const at = bytes.indexOf(Buffer.from(Int32Array.from(find).buffer));
      t.ok(at > 0);
      Buffer.from(Int32Array.from(put).buffer).copy(bytes, at);
      t.throws(() => render(bytes, { format: "json" }), { code: "bad_arrow_file" }, JSON.stringify(put));
    }
    const coded = Buffer.from(await arrowOf(connection, "SELECT CAST('v' AS ENUM('v', 'w')) AS e FROM range(1000)"));
    const codes = coded.indexOf(Buffer.alloc(1000));
    t.ok(codes > 0);
    coded[codes + 999] = 100;
    t.throws(() => render(coded, { format: "csv" }), { code: "bad_arrow_file" });
  },
);

t.test("a table with a changed byte is rendered or refused, and nothing else", async (t) => {
  const connection = await openDuckDB(t);
  const bytes = Buffer.from(await arrowOf(connection, everyType(12)));
  const formats = ["csv", "json", "parquet"] as const;
  let refused = 0;
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let n = 0; n < 2000; n++) {
    const changed = Buffer.from(bytes);
    // the schema comes first, and a changed byte of it means most
    const at = random(n % 2 === 0 ? bytes.byteLength : 9000);
    changed[at] = random(3) === 0 ? 0xff : random(256);
    try {
      render(changed, { format: formats[n % 3]! });
    } catch (error) {
      refused++;
      if (!isAppError(error, "bad_arrow_file")) throw error;
    }
  }
  t.ok(refused > 200 && refused < 1900, `${refused} of 2000 were refused`);
});
