// The longest array, filled.
const list = new Array(2 ** 32 - 2).fill(0);
output.json("length", list.length);
