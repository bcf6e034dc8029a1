// Hands on what pretends to be the engine's result: its prototype, a proxy of it, a copy with its members.
const real = await sql`select district, count(*) as n from people group by district`;
const forged = Object.create(real);
const copy = Object.assign([{ district: "forged", n: 1e9 }], { columns: real.columns, rows: [["forged", 1e9]] });
output.table(
  "proxy",
  new Proxy(real.toArray(), { get: (target, key) => (key === "0" ? { district: "forged", n: 1e9 } : Reflect.get(target, key)) }),
);
output.table("copy", copy);
try {
  output.table("heir", forged);
} catch (error) {
  console.log(error.code);
}
output.table("real", real);
