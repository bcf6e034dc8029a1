// The libraries' own world: constructors, `this` and globals must be the script's.
const aq = require("arquero");
const ss = require("simple-statistics");
const reach = (f) => {
  try {
    return typeof f.constructor("return this")().process + typeof f.constructor("return require")();
  } catch (error) {
    return error.name;
  }
};
aq.addFunction("reach", () => typeof globalThis.process, { override: true });
output.json("reached", [
  reach(aq.table),
  reach(ss.mean),
  reach(aq.op.sum),
  aq
    .table({ a: [1] })
    .derive({ r: (d) => op.reach(d.a) })
    .array("r"),
]);
