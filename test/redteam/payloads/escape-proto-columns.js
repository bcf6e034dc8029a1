// Column names that are members of every object.
const rows =
  await sql`select district as "__proto__", count(*) as "constructor", avg(income) as "then" from people group by district`;
const names = Object.keys(rows[0]);
const polluted = {}.district ?? {}.income ?? "no";
output.json("names", [names, polluted, Object.getPrototypeOf(rows[0]) === Object.prototype]);
output.table(
  "rows",
  rows.toArray().map((row) => ({ ...row })),
);
