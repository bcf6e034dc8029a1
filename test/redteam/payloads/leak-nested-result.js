// Rows hidden inside values that look like aggregates.
const rows = await sql`select name, income from people limit 50`;
output.json("stats", { mean: 1, spread: rows.map((row) => row.name).join("") });
output.table("bars", [{ district: rows.map((row) => row.name).join("|"), n: 1 }]);
