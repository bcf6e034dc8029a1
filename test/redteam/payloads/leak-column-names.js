// Names of columns that are values of rows.
const rows = await sql`select name, income from people limit 3`;
output.table("t", [Object.fromEntries(rows.map((row) => [row.name, 1]))]);
