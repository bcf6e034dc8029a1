// Catches what is awaited or settled: then on every object, promise constructors, async iteration.
const caught = [];
const then = Promise.prototype.then;
Promise.prototype.then = function (...args) {
  caught.push("then");
  return Reflect.apply(then, this, args);
};
Object.defineProperty(Promise, Symbol.species, {
  get: () =>
    function (executor) {
      caught.push(typeof executor);
      return new Promise(executor);
    },
});
Object.defineProperty(Object.prototype, "resolve", {
  set(value) {
    caught.push(typeof value);
  },
  configurable: true,
});
const rows = await sql`select count(*) as n from people`;
for await (const row of rows) caught.push(typeof row.n);
delete Object.prototype.resolve;
output.json(
  "caught",
  caught.filter((what) => what !== "then" && what !== "number" && what !== "function"),
);
