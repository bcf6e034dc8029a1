// Modules by every name: built in, by address, by file, by data, also out of libraries and generated code.
const names = [
  "node:fs",
  "fs",
  "isolated-vm",
  "file:///etc/passwd",
  "data:text/javascript,export default 1",
  "../../src/bin/isolate.js",
  "arquero",
];
const seen = [];
for (const name of names) {
  for (const load of [
    (n) => import(n),
    (n) => new Function("n", "return import(n)")(n),
    (n) => require("arquero").ColumnTable.constructor("n", "return import(n)")(n),
  ]) {
    try {
      seen.push(Object.keys(await load(name)));
    } catch (error) {
      seen.push(error.name);
    }
  }
}
output.json("seen", [...new Set(seen)]);
