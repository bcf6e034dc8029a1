// A library asked for far more rows than fit.
const aq = require("arquero");
const many = aq.table({ a: new Float64Array(1e5) });
output.json("rows", many.cross(many).numRows());
