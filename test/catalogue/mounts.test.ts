import t from "tap";
import { mountsOf } from "#catalogue/index.ts";
import type { ProductManifest } from "#contract/product.ts";
import { sha256 } from "#kernel/digest.ts";
import { manifestOf, residents } from "../authority/stage.ts";

function mount(change: (manifest: ProductManifest) => object = () => ({})) {
  const manifest = manifestOf(residents);
  const version = {
    id: "pv_1",
    directory: "products/residents/pv_1",
    manifest: { ...manifest, ...change(manifest) },
  };
  return mountsOf({ products: [{ id: "residents", version }] }, "/data")[0]!;
}

function file(path: string, columns: string[], zone?: "governance") {
  return { path, columns, bytes: 64, digest: sha256(path), ...(zone ? { zone } : {}) };
}

t.test("a file of the governance zone is never mounted, though its column is listed", async (t) => {
  const [first, ...rest] = residents.columns.map(({ name }) => name);
  const key = residents.subjectKey ?? first!;
  const mounted = mount(() => ({
    files: [file("dimensions.arrow", [first!, ...rest]), file("subject-key.arrow", [key], "governance")],
  }));
  t.same(
    mounted.files.map(({ path }) => path),
    ["dimensions.arrow"],
  );
  t.equal(mounted.directory, "/data/products/residents/pv_1");
  t.equal(mount(({ files }) => ({ files: files.map((one) => ({ ...one, zone: "governance" })) })).files.length, 0);
});

t.test("a zone that this version does not know is not mounted either", async (t) => {
  const [first] = residents.columns;
  const files = [{ ...file("a.arrow", [first!.name]), zone: "vault" }];
  t.same(mount(() => ({ files })).files, []);
});

t.test("a file with a column that is not listed is not mounted", async (t) => {
  const [first, second] = residents.columns;
  const mounted = mount(({ columns }) => ({
    columns: columns.filter(({ name }) => name !== second!.name),
    files: [
      file("a.arrow", [first!.name]),
      file("b.arrow", [first!.name, second!.name]),
      file("c.arrow", [second!.name]),
    ],
  }));
  t.same(
    mounted.files.map(({ path }) => path),
    ["a.arrow"],
  );
});

t.test("a version of another format is refused, and the error says what to do", async (t) => {
  for (const format of ["sluice-product/1", "sluice-product/3", "", undefined]) {
    t.throws(
      () => mount(() => ({ format })),
      { code: "version_unsupported", message: /ingest the product again/, details: { product: "residents" } },
      String(format),
    );
  }
});
