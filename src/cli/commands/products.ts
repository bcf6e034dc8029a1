import { connect } from "../connect.ts";
import { listOutcome, objectOutcome, takeItems } from "../list.ts";
import { formatFields, formatTable } from "../print/table.ts";
import type { CommandBody } from "../terminal.ts";

export const listProducts: CommandBody<{ limit: number }> = async ({ terminal, options }) => {
  const client = await connect(terminal);
  return listOutcome(await takeItems(client.products.list(), options.limit), {
    product: ({ id }) => id,
    title: ({ title }) => title ?? "",
    grade: ({ grade }) => grade,
    state: ({ version }) => version?.state ?? "none",
    rows: ({ version }) => version?.rowCount ?? "",
    provider: ({ provider }) => provider ?? "",
  });
};

export const showProduct: CommandBody<object> = async ({ terminal, args: [id = ""] }) => {
  const client = await connect(terminal);
  const product = await client.products.get(id);
  const fields = formatFields([
    ["product", product.id],
    ["title", product.title],
    ["provider", product.provider],
    ["grade", product.grade],
    ["subject key", product.subjectKey],
    ["version", product.version && `${product.version.id} (${product.version.state})`],
    ["rows", product.version?.rowCount],
    ["digest", product.version?.digest],
    ["error", product.version?.error && `${product.version.error.code}: ${product.version.error.message}`],
  ]);
  const columns = formatTable(
    ["column", "type", "role", "grade", "generalise", "title"].map((title) => ({ title, right: false })),
    product.columns.map(({ name, type, role, grade, generalise, title }) => [
      name,
      type ?? "",
      role,
      grade,
      (generalise ?? []).join(" "),
      title ?? "",
    ]),
  );
  return objectOutcome(product, `${fields}\n\n${columns}`);
};
