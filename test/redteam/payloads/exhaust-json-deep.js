// Text whose parsing and writing recurse.
const text = "[".repeat(5e6);
try {
  JSON.parse(text);
} catch (error) {
  console.log(error.name);
}
let value = [];
for (let i = 0; i < 2e6; i++) value = [value];
output.json("deep", value);
