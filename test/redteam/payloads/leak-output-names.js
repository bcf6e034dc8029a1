// Names of outputs that are values of rows.
const rows = await sql`select name, income from people limit 5`;
for (const row of rows) output.json(`p${row.name.replace(/\D/g, "")}x${row.income}`, 1);
