// A rope of strings, flattened in one call that nothing interrupts.
let rope = "ab";
const kept = [];
for (let i = 0; i < 27; i++) kept.push((rope += rope + i));
kept.push(rope.split(""), rope.replace(/a/g, "$`"), [...rope]);
output.json("length", kept.length);
