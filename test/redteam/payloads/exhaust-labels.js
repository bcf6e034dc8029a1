// A regular expression that backtracks for ever, with lookbehind and named groups.
output.json("match", /(?<=^(?<a>x+)*)(?:(?<b>x|xx|xxx)+)+y$/.test("x".repeat(60)));
