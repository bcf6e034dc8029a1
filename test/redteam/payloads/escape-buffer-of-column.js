// A column's memory beyond the column: neighbours in the stream, shared memory, growing it.
const rows = await sql`select district, count(*) as n from people group by district`;
const column = rows.column("n");
const { buffer } = column;
output.json("buffer", [
  buffer.byteLength === column.byteLength,
  typeof buffer.resize,
  typeof buffer.transfer,
  Object.prototype.toString.call(buffer),
]);
