import fc from "fast-check";
import t from "tap";
import { canonicalJson } from "#kernel/canonical-json.ts";

t.test("keys are sorted by code units, at every depth", async (t) => {
  t.equal(
    canonicalJson({ b: 1, a: { d: [1, { z: 1, y: 2 }], c: null } }),
    '{"a":{"c":null,"d":[1,{"y":2,"z":1}]},"b":1}',
  );
  t.equal(canonicalJson({ é: 1, z: 2, A: 3, 数: 4 }), '{"A":3,"z":2,"é":1,"数":4}');
});

t.test("equal values have equal texts whatever the order of their keys", async () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).toReversed());
      return canonicalJson(JSON.parse(JSON.stringify(value))) === canonicalJson(JSON.parse(JSON.stringify(reversed)));
    }),
  );
});

t.test("the text parses back to the value", async () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      return JSON.stringify(JSON.parse(canonicalJson(plain))) === JSON.stringify(sortKeys(plain));
    }),
  );
});

t.test("what JSON cannot carry is refused, not dropped", async (t) => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1, Symbol("s"), new Date(0), new Map()]) {
    t.throws(() => canonicalJson({ value }), TypeError);
  }
  t.equal(canonicalJson({ a: undefined, b: 1 }), '{"b":1}', "an absent member is absent");
});

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sortKeys(member)]));
}
