import fc from "fast-check";
import t from "tap";
import { hasStorableTexts, withStorableTexts } from "#kernel/storable-text.ts";

t.test("null characters and halves of pairs are found wherever they are", async (t) => {
  for (const value of ["a\0", "\uD83D", ["\0"], { a: { "b\0": 1 } }, { a: [{ b: "\uDC00x" }] }]) {
    t.notOk(hasStorableTexts(value), JSON.stringify(value));
  }
  for (const value of ["", "温州 😀", 1, null, true, [], { a: ["b", { c: null }] }, new Uint8Array([0])]) {
    t.ok(hasStorableTexts(value));
  }
});

t.test("a repaired value can be stored, and one that could already is itself", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\0", "\uD83D", "\uDE00", "温") });
  const json = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof({ depthSize: "small" }, text, fc.integer(), fc.array(tie("tree")), fc.dictionary(text, tie("tree"))),
  })).tree;
  fc.assert(
    fc.property(json, (value) => {
      const kept = withStorableTexts(value);
      return hasStorableTexts(kept) && (kept === value) === hasStorableTexts(value);
    }),
  );
});
