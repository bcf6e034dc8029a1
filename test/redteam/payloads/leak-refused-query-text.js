// A value of a row inside the text of a query that is refused, so that the refusal quotes it.
const [row] = await sql`select name, income from people limit 1`;
try {
  await sql(`select "${row.name}" from people`);
} catch (error) {
  console.log(error.message);
}
output.json("n", 1);
