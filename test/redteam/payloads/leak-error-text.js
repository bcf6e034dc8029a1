// A value of a row as the error that the job ends with.
const [row] = await sql`select name, income from people limit 1`;
throw new Error(`failed for ${row.name}`);
