// Objects that cost whoever shows them: endless keys, huge lists, nested maps, throwing traps.
const endless = new Proxy(
  {},
  {
    ownKeys: () => Array.from({ length: 1e5 }, (_, i) => `k${i}`),
    getOwnPropertyDescriptor: () => ({ value: "x".repeat(100), enumerable: true, configurable: true }),
  },
);
const deep = {};
for (let i = 0, at = deep; i < 1e5; i++) at = at.d = {};
for (let i = 0; i < 20; i++) console.log("%o", endless, new Array(1e7), deep, new Map([[deep, endless]]));
output.json("done", 1);
