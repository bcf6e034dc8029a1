// More log than may be kept, in long lines of four-byte characters.
const line = "𠮷".repeat(100000);
for (let i = 0; i < 100000; i++) console.error(line, i);
output.json("done", 1);
