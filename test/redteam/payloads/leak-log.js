// Rows into the log, at every level, also as directives and objects.
const rows = await sql`select name, income from people limit 20`;
for (const level of ["log", "info", "warn", "error", "debug"]) console[level]("%s %o", rows[0].name, rows);
output.json("n", rows.length);
