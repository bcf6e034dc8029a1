// Wrong arguments to everything that reaches the process: an error of the process would bring its stack along.
const weird = [
  undefined,
  null,
  Symbol("s"),
  1n,
  () => 1,
  new Proxy(
    {},
    {
      get() {
        throw new Error("trap");
      },
    },
  ),
  "\ud800",
  "x".repeat(40000),
  [],
  { raw: ["a"] },
];
const texts = [];
for (const value of weird) {
  for (const call of [
    () => sql(value),
    () => sql.identifier(value),
    () => output.table(value, [[1]]),
    () => output.json(value, value),
    () => output.table("t", value),
    () => require(value),
    () => console.log(value),
  ]) {
    try {
      await call();
    } catch (error) {
      texts.push(`${error?.name}|${error?.message}|${error?.stack}`);
    }
  }
}
output.json("texts", texts);
