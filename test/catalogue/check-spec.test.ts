import t from "tap";
import { checkSpec, requireSpec } from "#catalogue/index.ts";
import type { ProductColumn, ProductSpec } from "#contract/product.ts";
import { isAppError } from "#kernel/errors.ts";

const columns: ProductColumn[] = [
  { name: "id", role: "subject_key", grade: "L3" },
  { name: "district", role: "dimension", grade: "L1" },
  { name: "born", role: "quasi_identifier", grade: "L3", generalise: ["year", "prefix:4", "bin:5"] },
  { name: "income", role: "measure", grade: "L3", bounds: [0, 10] },
];
const good: ProductSpec = { id: "residents", source: { path: "x.csv" }, subjectKey: "id", grade: "L3", columns };

function withColumn(index: number, change: Partial<ProductColumn>): ProductSpec {
  return { ...good, columns: columns.map((column, at) => (at === index ? { ...column, ...change } : column)) };
}

t.test("a sound declaration has no problem", async (t) => {
  t.same(checkSpec(good), []);
  const { subjectKey: _, ...open } = { ...good, columns: columns.slice(1) };
  t.same(checkSpec(open), [], "open data has no subject key");
});

t.test("each bad declaration is pointed at", async (t) => {
  const cases: [what: string, spec: ProductSpec, paths: string[]][] = [
    ["two columns of one name", withColumn(1, { name: "ID" }), ["/columns/1/name"]],
    ["a reserved name", withColumn(1, { name: "__Sluice_x" }), ["/columns/1/name"]],
    ["a control character", withColumn(1, { name: "a\u0000b" }), ["/columns/1/name"]],
    ["an unlisted subject key", { ...good, subjectKey: "pid" }, ["/subjectKey", "/columns/0/role"]],
    ["a subject key of another role", { ...good, subjectKey: "district" }, ["/subjectKey", "/columns/0/role"]],
    ["a second subject key", withColumn(1, { role: "subject_key" }), ["/columns/1/role"]],
    ["bounds of a dimension", withColumn(1, { bounds: [0, 1] }), ["/columns/1/bounds"]],
    ["bounds upside down", withColumn(3, { bounds: [1, 1] }), ["/columns/3/bounds"]],
    ["a generalised measure", withColumn(3, { generalise: ["bin:10"] }), ["/columns/3/generalise"]],
    ["a grade below its columns", { ...good, grade: "L2" }, ["/grade"]],
    ...["bin:3", "bin:0", "bin:25", "bin:1.5", "bin:1.2.3"].map((step): [string, ProductSpec, string[]] => [
      ...([step, withColumn(2, { generalise: ["year", step] })] as const),
      ["/columns/2/generalise/1"],
    ]),
  ];
  for (const [what, spec, paths] of cases) {
    t.same(
      checkSpec(spec).map(({ path }) => path),
      paths,
      what,
    );
    t.throws(() => requireSpec(spec), { code: "invalid_product" });
  }
  for (const step of ["bin:1", "bin:20", "bin:500", "bin:0.5", "bin:0.02", "bin:5.0"]) {
    t.same(checkSpec(withColumn(2, { generalise: [step] })), [], step);
  }
});

t.test("all problems are in the error", async (t) => {
  try {
    requireSpec({ ...withColumn(1, { bounds: [1, 0] }), grade: "L1" });
    t.fail("was accepted");
  } catch (error) {
    if (!isAppError(error, "invalid_product")) throw error;
    t.match(error.details?.["problems"], [
      { path: "/columns/1/bounds" },
      { path: "/columns/1/bounds" },
      { path: "/grade" },
    ]);
  }
});
