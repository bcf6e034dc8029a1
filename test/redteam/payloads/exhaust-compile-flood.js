// Ever other library-sized texts to compile.
for (let i = 0; ; i++) new Function(`const t${i} = [${"`a`,".repeat(50000)}]; return t${i}`);
