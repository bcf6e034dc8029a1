// Replaces what a reader of results might use, then asks for a result: whatever it catches is its own world's.
const caught = [];
for (const name of ["Int32Array", "Float64Array", "BigInt64Array", "Uint8Array"]) {
  const own = globalThis[name];
  globalThis[name] = class extends own {
    constructor(...args) {
      super(...args);
      caught.push(this.buffer.constructor.name + this.buffer.byteLength);
    }
  };
}
Object.getPrototypeOf(Uint8Array.prototype).set = () => caught.push("set");
String.fromCharCode = () => caught.push("text");
const rows = await sql`select district, count(*) as n from people group by district`;
const total = rows.reduce((sum, row) => sum + row.n, 0);
output.json("seen", [caught, total, Object.getPrototypeOf(rows.column("n")).constructor.constructor("return typeof process")()]);
