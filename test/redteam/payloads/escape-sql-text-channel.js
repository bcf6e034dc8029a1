// A template object that is no template, an array with a changing raw, a string object: text past the literals.
let turn = 0;
const fake = ["select count(*) as n from people where district = ", ""];
Object.defineProperty(fake, "raw", { get: () => (turn++ ? ["x"] : fake) });
const attempts = [[fake, "' or name = '人1' --"], [Object.assign(["select name from people"], { raw: ["select 1"] })]];
const ends = [];
for (const [first, ...rest] of attempts) {
  try {
    ends.push((await sql(first, ...rest)).length);
  } catch (error) {
    ends.push(error.code ?? error.name);
  }
}
output.json("ends", ends);
