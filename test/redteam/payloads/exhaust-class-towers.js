// Classes whose fields are classes: memory in maps and constructors.
let Tower = class {};
const kept = [];
for (let i = 0; ; i++)
  kept.push((Tower = new Function("B", `return class C${i} extends B { f${i} = [${"1,".repeat(200)}] }`)(Tower)));
